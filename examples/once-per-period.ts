import { type DurableLock, useDurableLock } from "durable-locks";

/** Runs a job at most once per period, however many cron triggers fire: the lock is held until the period ends. */
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
