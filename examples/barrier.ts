import { type DurableRendezvous, isLockError, useBarrier } from "durable-locks";

/** One of several workers that compute a step each, look at each other's results, and go on to the next. */
export async function compute(
  rendezvous: DurableObjectNamespace<DurableRendezvous>,
  { id, workers, steps }: { id: string; workers: number; steps: number },
  step: (n: number) => Promise<void>,
): Promise<"done" | "broken"> {
  const barrier = useBarrier(rendezvous, id, { parties: workers });
  try {
    for (let n = 0; n < steps; n += 1) {
      await step(n);
      const { index } = await barrier.arrive({ wait: 60_000 });
      if (index === 0) console.log(`step ${n} is done`);
    }
    return "done";
  } catch (error) {
    // A worker died: nobody can go on without its result.
    if (isLockError(error, "BARRIER_BROKEN")) return "broken";
    throw error;
  }
}
