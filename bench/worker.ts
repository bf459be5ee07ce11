import { type DurableLock, type Lock, useDurableLock } from "durable-locks";

export { DurableLock } from "durable-locks";

interface Env {
  DURABLE_LOCK: DurableObjectNamespace<DurableLock>;
}

const ROUNDS = 300;

async function acquireAndRelease(lock: Lock, wait: number): Promise<void> {
  const result = await lock.acquire(10_000, { wait });
  if (result.success) await lock.release(result.lease);
}

/** What is measured: each is run for so many rounds, and all in turn. */
const MEASURED: Record<string, (lock: Lock) => Promise<unknown>> = {
  "an empty call (isLocked)": (lock) => lock.isLocked(),
  "acquire + release, without a ticket": (lock) => acquireAndRelease(lock, 0),
  "acquire + release, with a ticket": (lock) => acquireAndRelease(lock, 1_000),
  "withLock, uncontended": (lock) => lock.withLock(() => {}),
};

/** Milliseconds for one operation; local workerd's clock runs while it computes, unlike a deployed Worker's. */
async function timed(run: () => Promise<unknown>, operations: number): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / operations;
}

async function repeatedly(run: () => Promise<unknown>): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) await run();
}

export default {
  async fetch(_request, env) {
    const lock = useDurableLock(env.DURABLE_LOCK, "bench");
    const figures: Record<string, number> = {};
    for (const [name, run] of Object.entries(MEASURED))
      figures[name] = await timed(() => repeatedly(() => run(lock)), ROUNDS);
    for (const callers of [50, 1_000]) {
      const all = () => Promise.all(Array.from({ length: callers }, () => lock.withLock(() => {}, { wait: 60_000 })));
      figures[`withLock, handed on among ${callers} callers`] = await timed(all, callers);
    }
    return Response.json(figures);
  },
} satisfies ExportedHandler<Env>;
