import { application } from "../../../src/service/create-service.ts";
import type { Action } from "../../../src/service/request/access.ts";
import { at, send } from "./calls.ts";

/** For each operation of the document, the action it needs and a body it takes. A missing operation fails the tests. */
export const OPERATIONS: Record<string, { action: Action; body?: object }> = {
  acquire: { action: "lock", body: { ttl: 60_000 } },
  renew: { action: "lock", body: { lease: 1, ttl: 60_000 } },
  convert: { action: "lock", body: { lease: 1 } },
  release: { action: "lock", body: { lease: 1 } },
  cancel: { action: "lock", body: { requestId: "somebody's" } },
  "request-release": { action: "lock", body: {} },
  "force-release": { action: "admin", body: {} },
  status: { action: "read" },
  events: { action: "read" },
  list: { action: "read" },
};

/** Paths that need no token. */
export const PUBLIC = new Set([
  "/",
  "/openapi.json",
  ...["card.js", "dom.js", "inspector.css", "inspector.js", "long-text.js", "rows.js", "calls.js"].map(
    (name) => `/inspector/${name}`,
  ),
]);

/** A method on a path of the service. */
export interface Operation {
  name: string;
  method: string;
  /** With `{id}` where the id goes. */
  path: string;
}

/** The operations that the served document lists. */
export async function documented(): Promise<Operation[]> {
  const response = await send("/openapi.json", { token: "" });
  const { paths } = await response.json<{ paths: Record<string, Record<string, { operationId: string }>> }>();
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => ({
      name: operationId,
      method: method.toUpperCase(),
      path,
    })),
  );
}

/** The routes that the router has, whether documented or not; `ALL` stands for every other method. */
export function routed(): Omit<Operation, "name">[] {
  const routes = application()
    .routes.filter(({ path }) => !path.endsWith("*"))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
  return [...new Set(routes)].map((route) => {
    const [method = "", path = ""] = route.split(" ");
    return { method, path };
  });
}

/** The path of an operation on one lock; for the list, the path of all ids that begin with its id. */
export function pathOn(id: string, { path }: Pick<Operation, "path">): string {
  if (path === "/v1/locks") return `/v1/locks?prefix=${encodeURIComponent(id)}`;
  return path.replace("/v1/locks/{id}", at(id)).replace("{id}", encodeURIComponent(id));
}
