import { type DurableLock, lead, observe, useDurableLock } from "durable-locks";

/** What is due, and how it is run; `term` is the fencing token to send along with every write. */
export interface Jobs {
  runDue(term: number, signal: AbortSignal): Promise<void>;
}

/** Runs what is due on one of many instances, while the others stand by; returns when `shutdown` fires. */
export async function runScheduler(
  locks: DurableObjectNamespace<DurableLock>,
  instance: string,
  jobs: Jobs,
  shutdown: AbortSignal,
): Promise<void> {
  const lock = useDurableLock(locks, "scheduler");
  const work = async (term: number, signal: AbortSignal) => {
    // It ends by being aborted: then this instance stands again, or, at shutdown, is done.
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

/** Keeps a view of who runs the scheduler up to date, such as for routing or a status page. */
export async function followScheduler(
  locks: DurableObjectNamespace<DurableLock>,
  show: (instance: string | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  for await (const leader of observe(useDurableLock(locks, "scheduler"), { signal })) show(leader?.owner);
}
