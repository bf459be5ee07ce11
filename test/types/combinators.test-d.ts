// Compiled and not run: what the types of once, lead, observe, Web Locks, operators and releaseOnExit accept.
import { expectTypeOf } from "vitest";
import {
  type DurableLock,
  type HeldLease,
  type Lock,
  type WebLock,
  type WebLockManager,
  once,
  webLocks,
} from "../../src/index.ts";

declare const namespace: DurableObjectNamespace<DurableLock>;
declare const lock: Lock;

expectTypeOf(once(lock, async () => ({ receipt: "r" }))).resolves.toEqualTypeOf<{ receipt: string }>();
expectTypeOf(once(lock, () => {}, { retain: 1, fingerprint: "f", recordErrors: true })).resolves.toEqualTypeOf<void>();
// @ts-expect-error a fingerprint is text
void once(lock, () => {}, { fingerprint: { order: 1 } });
// @ts-expect-error a job is exclusive
void once(lock, () => {}, { permits: 2 });

const locks = webLocks(namespace, { releaseOnExit: true });
expectTypeOf(locks).toEqualTypeOf<WebLockManager>();
expectTypeOf(locks.request("name", async () => 7)).resolves.toEqualTypeOf<number>();
expectTypeOf(locks.request("name", { mode: "shared" }, (granted) => granted)).resolves.toEqualTypeOf<WebLock | null>();
expectTypeOf(locks.request("name", undefined, () => 7)).resolves.toEqualTypeOf<number>();
expectTypeOf(locks.request("name", null, () => 7)).resolves.toEqualTypeOf<number>();
void webLocks(namespace, { owner: "importer", maxHold: 60_000 });
// @ts-expect-error each request makes its own
void webLocks(namespace, { requestId: "mine" });
// @ts-expect-error there is no such mode
void locks.request("name", { mode: "both" }, () => {});

expectTypeOf(lock.forceRelease()).resolves.toEqualTypeOf<number>();
expectTypeOf(lock.requestRelease()).resolves.toEqualTypeOf<void>();
void lock.hold({
  releaseOnExit: true,
  lockDelay: 5,
  onReleaseRequested: (held) => expectTypeOf(held).toEqualTypeOf<HeldLease>(),
});
void lock.acquire(1, { lockDelay: 5 });
// @ts-expect-error a plain lease has no such callback
void lock.acquire(1, { onReleaseRequested: () => {} });

void lock.acquire(1, { requestId: "the same call, repeated" });
// @ts-expect-error each hold makes its own request id
void lock.hold({ requestId: "mine" });
// @ts-expect-error each attempt makes its own request id
void lock.tryWithLock(() => {}, { requestId: "mine" });
