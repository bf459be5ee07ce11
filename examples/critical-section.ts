import { type DurableLock, useDurableLock } from "durable-locks";

/** Where balances are kept: any store that you read and write in two steps. */
export interface Accounts {
  read(id: string): Promise<number>;
  write(id: string, balance: number): Promise<void>;
}

/** Adds to a balance. Without the lock, two deposits at once would lose one of the updates. */
export function deposit(
  locks: DurableObjectNamespace<DurableLock>,
  accounts: Accounts,
  id: string,
  amount: number,
): Promise<number> {
  const { withLock } = useDurableLock(locks, `account:${id}`);
  return withLock(async ({ signal }) => {
    const balance = (await accounts.read(id)) + amount;
    signal.throwIfAborted();
    await accounts.write(id, balance);
    return balance;
  });
}
