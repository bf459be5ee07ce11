import { env } from "cloudflare:workers";
import { type LockServiceOptions, createLockService } from "../../../src/service.ts";

export const TOKENS = {
  all: "token-that-may-do-all-things",
  reader: "token-that-may-only-read",
  locker: "token-that-may-only-lock",
  ours: "token-for-ours-only-and-all",
};

export const SECRET = JSON.stringify([
  { name: "all", token: TOKENS.all, actions: ["read", "lock", "admin"] },
  { name: "reader", token: TOKENS.reader, actions: ["read"] },
  { name: "locker", token: TOKENS.locker, actions: ["lock"] },
  { name: "ours", token: TOKENS.ours, prefixes: ["ours/"], actions: ["read", "lock", "admin"] },
]);

export const ORIGIN = "https://locks.example";

/** A service on the objects of the tests. */
export function serviceWith(options: Partial<LockServiceOptions> = {}) {
  return createLockService({ lock: env.DURABLE_LOCK, tokens: SECRET, ...options });
}

const service = serviceWith();

/** The JSON of a problem or an answer, with every field that a test may read. */
export type Body = Record<string, never> & { lease: number; reason: string };

/** Sends one request, with a body as JSON if there is one. */
export async function send(
  path: string,
  {
    token = TOKENS.all,
    body,
    to = service,
    ...init
  }: Omit<RequestInit, "body"> & { token?: string; body?: unknown; to?: typeof service } = {},
): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token !== "") headers.set("Authorization", `Bearer ${token}`);
  if (body === undefined) return to.fetch(new Request(ORIGIN + path, { ...init, headers }));
  if (!headers.has("Content-Type")) headers.set("Content-Type", "application/json");
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return to.fetch(new Request(ORIGIN + path, { method: "POST", ...init, headers, body: text }));
}

/** Sends a request and reads the answer as JSON. */
export async function ask(...args: Parameters<typeof send>): Promise<{ status: number; headers: Headers; body: Body }> {
  const response = await send(...args);
  return { status: response.status, headers: response.headers, body: await response.json<Body>() };
}

/** The path of a lock's route. */
export const at = (id: string, name = "") => `/v1/locks/${encodeURIComponent(id)}${name && `/${name}`}`;
