// Counts what operations cost at Cloudflare: requests to objects, and rows that they write and read.
import { DurableLock, useDurableLock } from "durable-locks";
import type { Contestant, Held } from "../contestants/contestant.ts";
import { firstLibraryContestant } from "../contestants/first-library.ts";
import { libraryContestant } from "../contestants/library.ts";
import type { Sample } from "../work/order.ts";
import { CountedNamespace } from "./counted-namespace.ts";
import { FirstLock } from "./first-library.ts";
import { RowCounter } from "./row-counter.ts";

// The objects run in this isolate, so they can count here.
const rows = new RowCounter();

export class CountedLock extends DurableLock {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    rows.watch(ctx.storage);
    super(ctx, env);
  }
}

export class CountedFirstLock extends FirstLock {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    rows.watch(ctx.storage);
    super(ctx, env);
  }
}

interface Env {
  DURABLE_LOCK: DurableObjectNamespace<CountedLock>;
  FIRST_LOCK: DurableObjectNamespace<CountedFirstLock>;
}

const COUNT = 50;

/** Each operation, run 50 times on an id that was used before, unless it is about new ids. */
const OPERATIONS: Record<string, (contestant: Contestant, id: string, held: Held | undefined) => Promise<unknown>> = {
  "critical sections, uncontended": (contestant, id) => repeat(() => section(contestant, id)),
  "critical sections, each handed to the next waiter": (contestant, id) =>
    Promise.all(Array.from({ length: COUNT }, () => waited(contestant, id))),
  renewals: (_contestant, _id, held) => repeat(async () => held?.renew?.()),
  "tries on a taken lock": (contestant, id) => repeat(() => contestant.tryOnce(id)),
  "critical sections on new ids": (contestant) => repeat(() => section(contestant, crypto.randomUUID())),
};

const NEED_A_HOLDER = new Set(["renewals", "tries on a taken lock"]);

async function repeat(operation: () => Promise<unknown>): Promise<void> {
  for (let n = 0; n < COUNT; n += 1) await operation();
}

async function section(contestant: Contestant, id: string): Promise<void> {
  await (await contestant.tryOnce(id))?.release();
}

async function waited(contestant: Contestant, id: string): Promise<void> {
  await (await contestant.wait(id, new AbortController().signal)).release();
}

async function counted(contestant: Contestant, operation: string): Promise<Sample> {
  const id = crypto.randomUUID();
  await section(contestant, id);
  const held = NEED_A_HOLDER.has(operation) ? await contestant.tryOnce(id) : undefined;
  rows.reset();
  const before = (await contestant.requests()) ?? 0;
  const since = performance.now();
  await OPERATIONS[operation]?.(contestant, id, held);
  const seconds = (performance.now() - since) / 1_000;
  const requests = ((await contestant.requests()) ?? 0) - before;
  const { written, read } = rows;
  return { requests: requests / COUNT, written: written / COUNT, read: read / COUNT, seconds: seconds / COUNT };
}

/** The body names the contestant: "first", or this library. */
export default {
  async fetch(request, env) {
    const { way } = await request.json<{ way: string }>();
    const namespace = new CountedNamespace(env.DURABLE_LOCK);
    const contestant =
      way === "first"
        ? firstLibraryContestant((id) => env.FIRST_LOCK.getByName(id))
        : libraryContestant(
            (id) => useDurableLock(namespace.namespace, id),
            () => namespace.calls,
          );
    const samples: Record<string, Sample> = {};
    for (const operation of Object.keys(OPERATIONS)) samples[operation] = await counted(contestant, operation);
    return Response.json(samples);
  },
} satisfies ExportedHandler<Env>;
