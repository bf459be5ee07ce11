import type { AcquireReply, LockStatus, RefusalReply, ReleaseReply } from "../core/replies.ts";
import type { RequestOptions } from "../core/request.ts";

/** The methods of the object that plain requests reach. */
export interface Served {
  acquire(ttl: number, options?: RequestOptions): Promise<AcquireReply>;
  renew(lease: number, ttl: number, options?: { requestId?: string }): Promise<AcquireReply>;
  release(lease: number, options?: { requestId?: string }): Promise<ReleaseReply>;
  isLocked(): Promise<boolean>;
  status(): Promise<LockStatus>;
}

type Query = Record<string, string | number>;
type Reply = AcquireReply | LockStatus | boolean;

/** The parameters that are texts. Every other parameter is a number. */
const TEXTS = new Set(["owner", "requestId", "steal"]);

const ROUTES: Record<string, (lock: Served, query: Query) => Promise<Reply>> = {
  "/acquire": (lock, { ttl, lease, ...options }) =>
    lease === undefined ? lock.acquire(ttl as number, options) : lock.renew(lease as number, ttl as number, options),
  "/renew": (lock, { ttl, lease, ...options }) => lock.renew(lease as number, ttl as number, options),
  "/release": (lock, { lease, ...options }) => lock.release(lease as number, options),
  "/isLocked": (lock) => lock.isLocked(),
  "/status": (lock) => lock.status(),
};

/** Answers a plain request: 200 with the result, 400 for a bad one, 404 for an unknown path; never an exception. */
export async function serve(lock: Served, request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const route = ROUTES[pathname];
  if (!route) return refused(404, `Unknown path: this object serves ${Object.keys(ROUTES).join(", ")}.`, "path");
  const twice = repeated(searchParams.keys());
  if (twice !== undefined) return refused(400, `${twice.slice(0, 40)} is given twice.`, twice.slice(0, 40));
  if (searchParams.has("once")) return refused(400, "once needs RPC: JSON can't carry every result.", "once");
  if (searchParams.has("caller")) return refused(400, "caller is reserved for the lock service.", "caller");
  if (searchParams.has("protocol")) return refused(400, "protocol is only for calls over RPC.", "protocol");
  const reply = await route(lock, queryOf(searchParams));
  return Response.json(reply, { status: isBadArgument(reply) ? 400 : 200 });
}

/** The first name that occurs twice. One pass, so that a long query costs linear time. */
function repeated(names: Iterable<string>): string | undefined {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

/** The parameters, unchecked: the methods check them. Older clients send `lease=undefined` when they have no lease. */
function queryOf(parameters: URLSearchParams): Query {
  const entries = [...parameters].filter(
    ([name, text]) => name !== "lease" || !["", "undefined", "null"].includes(text),
  );
  return Object.fromEntries(entries.map(([name, text]) => [name, TEXTS.has(name) ? text : numberOf(text)]));
}

/** Digits or "Infinity": `Number` alone would also take "", " 1", "0x10" and "1e3". */
function numberOf(text: string): number {
  return /^(-?\d+(\.\d+)?|-?Infinity)$/.test(text) ? Number(text) : Number.NaN;
}

function isBadArgument(reply: Reply): boolean {
  return typeof reply === "object" && "reason" in reply && reply.reason === "INVALID_ARGUMENT";
}

function refused(status: number, message: string, argument: string): Response {
  const reply: RefusalReply = { success: false, reason: "INVALID_ARGUMENT", message, argument };
  return Response.json(reply, { status });
}
