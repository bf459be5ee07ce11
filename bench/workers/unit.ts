// The units that other figures are divided by: an empty call to an object, and a call that writes one row.
import { DurableObject } from "cloudflare:workers";
import type { Order, Sample } from "../work/order.ts";
import { repeat } from "../work/single.ts";
import { answer } from "./answer.ts";

export class Unit extends DurableObject {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, value INTEGER)");
  }

  empty(): void {}

  /** Its reply leaves once the row is durable. */
  write(value: number): void {
    this.ctx.storage.sql.exec("INSERT OR REPLACE INTO rows VALUES (0, ?)", value);
  }
}

interface Env {
  UNIT: DurableObjectNamespace<Unit>;
}

async function carryOut({ UNIT: namespace }: Env, { work, id, box }: Order): Promise<Sample> {
  // The stub is made again for each call, as this library does.
  const call = (value: number) =>
    work === "write" ? namespace.getByName(id).write(value) : namespace.getByName(id).empty();
  await call(0);
  return repeat(box, call);
}

export default {
  fetch: (request, env) => answer(request, (order) => carryOut(env, order)),
} satisfies ExportedHandler<Env>;
