import { type DurableLock, useDurableLock } from "durable-locks";

/** Runs a job at most once a period, however many cron triggers fire: the lock outlasts the work until it is over. */
export async function oncePerPeriod(
  locks: DurableObjectNamespace<DurableLock>,
  name: string,
  period: number,
  job: () => Promise<void>,
): Promise<"ran" | "skipped"> {
  const { tryWithLock } = useDurableLock(locks, `job:${name}`);
  const tried = await tryWithLock(job, { minHold: period });
  return tried.acquired ? "ran" : "skipped";
}
