import { type Lock, isLockError } from "../../src/index.ts";
import type { Account } from "./account.ts";
import type { Deposited, Granted, LockedDeposit } from "./messages.ts";

/** How much to pay in, and how many milliseconds to work between reading the balance and writing it. */
interface Deposit {
  amount: number;
  work: number;
}

/** Who asks for the lock, and for how long each lease lasts. */
interface Asking {
  owner: string;
  ttl: number;
}

const WAIT = 30_000;

/** Reads, awaits, writes. If two of these run at once, one update is lost. */
export async function deposit(
  account: DurableObjectStub<Account>,
  { amount, work }: Deposit,
  options: { signal?: AbortSignal } = {},
): Promise<Deposited> {
  const read = await account.balance();
  await scheduler.wait(work, options);
  const wrote = read + amount;
  await account.setBalance(wrote);
  return { read, wrote };
}

/** The same under the lock. If the lease is lost, the signal ends the work before it writes. */
export async function depositLocked(
  account: DurableObjectStub<Account>,
  lock: Lock,
  { owner, ttl, ...order }: Deposit & Asking,
): Promise<LockedDeposit> {
  const asked = performance.now();
  let granted = asked;
  try {
    return await lock.withLock(
      async ({ lease, signal }) => {
        granted = performance.now();
        const deposited = await deposit(account, order, { signal });
        return { lease, waited: Math.round(granted - asked), ...deposited };
      },
      { owner, ttl, wait: WAIT },
    );
  } catch (error) {
    if (!isLockError(error, "LEASE_LOST")) throw error;
    const { why: lost, lease } = error;
    return { lost, lease, waited: Math.round(granted - asked), worked: Math.round(performance.now() - granted) };
  }
}

/** Dies between reading and writing: nothing is written, renewed or released after that. */
export async function crash(account: DurableObjectStub<Account>, lock: Lock, { owner, ttl }: Asking): Promise<Granted> {
  const asked = performance.now();
  // Not withLock, which would release the lock on an exception: a dead process releases nothing.
  const result = await lock.acquire(ttl, { owner, wait: WAIT });
  if (!result.success) throw new Error(`${owner} was refused the lock: ${result.reason}`);
  const waited = Math.round(performance.now() - asked);
  await account.balance();
  return { lease: result.lease, waited };
}
