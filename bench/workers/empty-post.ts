// The least that a service on Hono does for a request: parse it, make one empty RPC, and answer.
import { Hono } from "hono";
import type { Unit } from "./unit.ts";

export { Unit } from "./unit.ts";

const app = new Hono<{ Bindings: { UNIT: DurableObjectNamespace<Unit> } }>();

app.post("/*", async (context) => {
  await context.req.json();
  await context.env.UNIT.getByName("unit").empty();
  return context.json({ success: true });
});

export default app;
