import type { Application } from "../request/context.ts";
import { onlyBy } from "../request/route.ts";

const info = {
  title: "durable-locks",
  version: "1",
  description:
    "Distributed locks over HTTP: leases that expire, a fair queue, fencing tokens. All durations are in milliseconds. After a lost reply, repeat a POST with the same requestId: it has no second effect.",
  license: { name: "MIT", identifier: "MIT" },
};

/** Serves the OpenAPI document, which Hono generates from the routes. */
export function addDocument(service: Application): void {
  service.openAPIRegistry.registerComponent("securitySchemes", "token", { type: "http", scheme: "bearer" });
  let document: unknown;
  service.get("/openapi.json", (c) => {
    document ??= service.getOpenAPI31Document({ openapi: "3.1.0", info, security: [{ token: [] }] });
    return c.json(document as object);
  });
  onlyBy(service, "GET", "/openapi.json");
}
