import { type Locks, isLockError, once } from "durable-locks/client";

/** For CI: one deployment to an environment at a time. Other deployments wait for up to ten minutes. */
export async function deploy(
  { lock }: Locks,
  environment: string,
  upload: (signal: AbortSignal, lease: number) => Promise<void>,
): Promise<"deployed" | "too busy"> {
  try {
    await lock(`deploy/${environment}`).withLock(({ signal, lease }) => upload(signal, lease), {
      owner: "CI",
      wait: 600_000,
    });
    return "deployed";
  } catch (error) {
    if (isLockError(error, "LOCK_TIMEOUT")) return "too busy";
    throw error;
  }
}

/** For cron on several machines: one of them makes the report of a day, and the others get the same result. */
export async function dailyReport(
  { lock }: Locks,
  day: string,
  make: () => Promise<{ rows: number }>,
): Promise<number> {
  const { rows } = await once(lock(`report/${day}`), make, { retain: 7 * 86_400_000 });
  return rows;
}
