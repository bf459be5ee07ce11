import { type DurableRendezvous, isLockError, useBarrier } from "durable-locks";

/** Runs one of several workers: each computes its part of a step, and all of them start the next step together. */
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
    // A worker died, and the others can't continue without its result.
    if (isLockError(error, "BARRIER_BROKEN")) return "broken";
    throw error;
  }
}
