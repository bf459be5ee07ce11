import { type DurableLock, useDurableLock, withLocks } from "durable-locks";

/** Moves money between accounts whose store knows nothing of transactions. */
export async function transfer(
  locks: DurableObjectNamespace<DurableLock>,
  balances: { get(id: string): Promise<number>; set(id: string, balance: number): Promise<void> },
  from: string,
  to: string,
  amount: number,
): Promise<void> {
  const accounts = [from, to].map((id) => useDurableLock(locks, `account:${id}`));
  // A transfer the other way, at the same time, lists them the other way round; it does no harm.
  await withLocks(
    accounts,
    async ({ signal }) => {
      const [taken, given] = [await balances.get(from), await balances.get(to)];
      if (taken < amount) throw new Error("Not enough money.");
      signal.throwIfAborted();
      await balances.set(from, taken - amount);
      await balances.set(to, given + amount);
    },
    { wait: 5_000 },
  );
}
