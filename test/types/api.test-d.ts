// Compiled and not run: what the public types accept, refuse and return.
import { DurableObject } from "cloudflare:workers";
import { expectTypeOf } from "vitest";
import {
  type Refusal,
  type HeldLease,
  type Lock,
  type LockErrorCode,
  type LockStatus,
  type LeaseGrant,
  DurableLock,
  LeaseLostError,
  LockError,
  isLockError,
  useDurableLock,
} from "../../src/index.ts";

declare const typed: DurableObjectNamespace<DurableLock>;
class Audited extends DurableLock {
  audit(): string {
    return "ok";
  }
}
declare const subclassed: DurableObjectNamespace<Audited>;
class Other extends DurableLock {}
class Account extends DurableObject {
  balance(): number {
    return 0;
  }
}
declare const foreign: DurableObjectNamespace<Account>;

expectTypeOf(useDurableLock(typed, "id")).toEqualTypeOf<Lock>();
useDurableLock(subclassed, "id");
expectTypeOf<typeof Other>().toExtend<typeof DurableLock>();
// @ts-expect-error an id is a string
useDurableLock(typed, 1);
// @ts-expect-error not a namespace of locks
useDurableLock(foreign, "id");

const { acquire, renew, release, isLocked, status, hold, resume, withLock, tryWithLock } = useDurableLock(typed, "id");

expectTypeOf(acquire(1_000)).resolves.toEqualTypeOf<LeaseGrant | Refusal>();
expectTypeOf(acquire(1_000, 7)).resolves.toEqualTypeOf<LeaseGrant | Refusal>();
expectTypeOf(renew(7, 1_000)).resolves.toEqualTypeOf<LeaseGrant | Refusal>();
expectTypeOf(release(7)).resolves.toEqualTypeOf<true | Refusal>();
expectTypeOf(isLocked()).resolves.toEqualTypeOf<boolean>();
expectTypeOf(status()).resolves.toEqualTypeOf<LockStatus>();
expectTypeOf(hold()).resolves.toEqualTypeOf<HeldLease>();
expectTypeOf(resume(7)).resolves.toEqualTypeOf<HeldLease>();
expectTypeOf(withLock(async () => "text")).resolves.toEqualTypeOf<string>();
expectTypeOf(withLock(() => 1)).resolves.toEqualTypeOf<number>();
expectTypeOf(withLock(() => {})).resolves.toEqualTypeOf<void>();
void withLock((held) => {
  expectTypeOf(held).toEqualTypeOf<HeldLease>();
  expectTypeOf(held.signal).toEqualTypeOf<AbortSignal>();
  // @ts-expect-error the number of a lease does not change
  held.lease = 1;
});

const result = await acquire(1_000);
// @ts-expect-error the result must be checked first
void result.lease;
if (result.success) expectTypeOf(result.lease).toEqualTypeOf<number>();
else expectTypeOf(result.reason).toExtend<string>();

const tried = await tryWithLock(() => "text");
if (tried.acquired) expectTypeOf(tried.value).toEqualTypeOf<string>();
else expectTypeOf(tried.retryAfter).toEqualTypeOf<number | undefined>();

// @ts-expect-error misspelt
void withLock(() => {}, { waitt: 1 });
// @ts-expect-error tryWithLock does not wait
void tryWithLock(() => {}, { wait: 1 });
// @ts-expect-error a duration is a number
void acquire("1s");

declare const error: unknown;
if (isLockError(error)) expectTypeOf(error.code).toEqualTypeOf<LockErrorCode>();
if (isLockError(error, "LEASE_LOST")) {
  expectTypeOf(error).toEqualTypeOf<LeaseLostError>();
  expectTypeOf(error.why).toEqualTypeOf<"expired" | "superseded" | "unreachable">();
}
if (isLockError(error, "LOCK_TIMEOUT")) expectTypeOf(error).toEqualTypeOf<LockError>();
