import { type DurableLock, type Leader, lead, observe, useDurableLock } from "durable-locks";

/** Runs what is due on one machine at a time, until `shutdown`; another takes over if that one dies. */
export async function schedule(
  locks: DurableObjectNamespace<DurableLock>,
  machine: string,
  runDueJobs: (term: number) => Promise<void>,
  shutdown: AbortSignal,
): Promise<void> {
  const work = async ({ signal, term }: { signal: AbortSignal; term: number }) => {
    // The term goes along with what the jobs write, so that a leader that was paused can't do harm.
    while (!signal.aborted) await runDueJobs(term);
  };
  const candidacy = lead(useDurableLock(locks, "scheduler"), work, { owner: machine, signal: shutdown });
  await candidacy.catch((error: unknown) => {
    if (!shutdown.aborted) throw error;
  });
}

/** Tells of each leader as it comes, until `tell` has heard enough. */
export async function follow(
  locks: DurableObjectNamespace<DurableLock>,
  tell: (leader: Leader | undefined) => "more" | "enough",
): Promise<void> {
  for await (const leader of observe(useDurableLock(locks, "scheduler"))) if (tell(leader) === "enough") return;
}
