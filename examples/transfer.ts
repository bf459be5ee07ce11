import { type DurableLock, bindLocks, withLocks } from "durable-locks";

/** Moves money between accounts whose store has no transactions. */
export async function transfer(
  locks: DurableObjectNamespace<DurableLock>,
  balances: { get(id: string): Promise<number>; set(id: string, balance: number): Promise<void> },
  from: string,
  to: string,
  amount: number,
): Promise<void> {
  const { lock } = bindLocks(locks);
  const accounts = [from, to].map((id) => lock(`account:${id}`));
  // A transfer in the other direction lists the accounts in the other order. That is safe: withLocks orders the locks.
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
