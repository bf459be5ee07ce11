import { type DurableLock, lead, observe, useDurableLock } from "durable-locks";

/** Runs the jobs that are due. Send `term` with every write: it is the fencing token. */
export interface Jobs {
  runDue(term: number, signal: AbortSignal): Promise<void>;
}

/** Runs the due jobs on one of many instances, while the others stand by. Returns when `shutdown` fires. */
export async function runScheduler(
  locks: DurableObjectNamespace<DurableLock>,
  instance: string,
  jobs: Jobs,
  shutdown: AbortSignal,
): Promise<void> {
  const lock = useDurableLock(locks, "scheduler");
  const work = async (term: number, signal: AbortSignal) => {
    // The loop ends when its signal aborts it. Then this instance stands for election again, unless it shuts down.
    for (;;) {
      await jobs.runDue(term, signal);
      await scheduler.wait(20, { signal });
    }
  };
  const options = { owner: instance, ttl: 15_000, releaseOnExit: true, signal: shutdown };
  await lead(lock, ({ term, signal }) => work(term, signal), options).catch((error: unknown) => {
    if (!shutdown.aborted) throw error;
  });
}

/** Shows who runs the scheduler, as it changes: for example for routing, or on a status page. */
export async function followScheduler(
  locks: DurableObjectNamespace<DurableLock>,
  show: (instance: string | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  for await (const leader of observe(useDurableLock(locks, "scheduler"), { signal })) show(leader?.owner);
}
