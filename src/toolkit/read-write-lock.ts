import type { Claim } from "../core/leases/lease.ts";
import { LeaseLostError } from "../errors.ts";
import type { HeldLease } from "../hold/held-lease.ts";
import { lossMessage, lossOf } from "../hold/loss.ts";
import { noteClaim } from "../hold/own-holds.ts";
import { ANSWER_WITHIN, callObject } from "../transport/call.ts";
import type { LockPrimitives } from "../transport/primitives.ts";
import { newRequestId } from "../transport/request-id.ts";
import { createLockOf } from "./create-lock.ts";
import type { Lock } from "./lock.ts";
import { everything, oneOfMany } from "./options/claim-rule.ts";

/** Two locks on one id: any number of readers, or one writer. */
export interface ReadWriteLock {
  /** The lock's id. */
  readonly id: string;
  /** Shared with other readers. */
  readonly read: Lock;
  /** Exclusive. */
  readonly write: Lock;
  /**
   * Turns a writer's hold into a reader's, with no gap in which another writer could come. Waiting readers are let in.
   *
   * The hold continues under the same lease number. You release it as before.
   *
   * @throws `LEASE_LOST` if the lease has ended; `UNREACHABLE` if it is unknown whether the change took effect or still
   * will: act as a reader, release the hold, and acquire the lock again.
   * @example
   * ```ts
   * await write.withLock(async (held) => {
   *   await update();
   *   await downgrade(held);
   *   await readBack();
   * });
   * ```
   */
  readonly downgrade: (held: HeldLease) => Promise<void>;
  /**
   * Turns a reader's hold into a writer's if it is the only one. Returns false if there are other readers.
   *
   * It never waits: two readers that wait for each other to leave would wait forever. If it returns false, continue
   * reading; or release, take the write lock, and read again what you rely on.
   *
   * @throws `LEASE_LOST` if the lease has ended; `UNREACHABLE` if it is unknown whether the change took effect or still
   * will: act as a reader, release the hold, and acquire the lock again.
   * @example
   * ```ts
   * await read.withLock(async (held) => {
   *   if (await isStale() && (await upgrade(held))) await refresh();
   * });
   * ```
   */
  readonly upgrade: (held: HeldLease) => Promise<boolean>;
}

const WRITER: Claim = { exclusive: true, permits: 1, capacity: 1 };
const READER: Claim = { exclusive: false, permits: 1, capacity: Number.POSITIVE_INFINITY };

/**
 * Makes a read-write lock from the given primitives: `useReadWriteLock` over your own transport.
 *
 * @example
 * ```ts
 * const { read, write } = createReadWriteLock(myPrimitives);
 * ```
 */
export function createReadWriteLock(primitives: LockPrimitives): ReadWriteLock {
  return {
    id: primitives.id,
    read: createLockOf(primitives, oneOfMany),
    write: createLockOf(primitives, everything),
    downgrade: async (held) => void (await convert(primitives, held, READER)),
    upgrade: (held) => convert(primitives, held, WRITER),
  };
}

/** Returns true if the lease was converted, and false if the other leases leave no room. */
async function convert(primitives: LockPrimitives, held: HeldLease, claim: Claim): Promise<boolean> {
  if (held.isLost()) throw held.signal.reason;
  const { lease } = held;
  const requestId = newRequestId();
  const bounds = { id: primitives.id, url: primitives.url, within: ANSWER_WITHIN, signal: held.signal };
  const reply = await callObject((signal) => primitives.convert(lease, claim, requestId, signal), bounds);
  if (held.isLost()) throw held.signal.reason;
  if (reply.success) {
    noteClaim(primitives.key, lease, claim);
    return true;
  }
  if (reply.reason === "BORROWED" || reply.reason === "TOO_MANY_LEASES") return false;
  // A renewal makes the hold find out, and its signal fires. If the holder has released the lease, the signal stays
  // silent.
  await held.renew();
  const why = lossOf(reply);
  throw new LeaseLostError(why, lease, lossMessage(why, lease));
}
