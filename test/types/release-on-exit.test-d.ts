// Compiled and not run: what the types of crash release accept, refuse and return.
import { expectTypeOf } from "vitest";
import {
  type ExitWatch,
  type ExitWatchReply,
  type DurableLock,
  type HeldLease,
  type LeaseEvent,
  type HoldOptions,
  type Lock,
  type LockPrimitives,
  type RefusalReply,
  type ResumeOptions,
  type TryOptions,
  lead,
  once,
  useDurableLock,
  webLocks,
  withLocks,
} from "../../src/index.ts";

declare const namespace: DurableObjectNamespace<DurableLock>;
declare const lock: Lock;
declare const primitives: LockPrimitives;

expectTypeOf<HoldOptions["releaseOnExit"]>().toEqualTypeOf<boolean | undefined>();
expectTypeOf<TryOptions["releaseOnExit"]>().toEqualTypeOf<boolean | undefined>();
expectTypeOf<ResumeOptions["releaseOnExit"]>().toEqualTypeOf<boolean | undefined>();
expectTypeOf(useDurableLock(namespace, "id").hold({ releaseOnExit: true })).resolves.toEqualTypeOf<HeldLease>();
expectTypeOf(lock.resume(7, { releaseOnExit: true })).resolves.toEqualTypeOf<HeldLease>();
expectTypeOf(lock.withLock(() => 1, { releaseOnExit: true })).resolves.toEqualTypeOf<number>();
expectTypeOf(withLocks([lock], () => 1, { releaseOnExit: true })).resolves.toEqualTypeOf<number>();
expectTypeOf(once(lock, () => 1, { releaseOnExit: true })).resolves.toEqualTypeOf<number>();
expectTypeOf(lead(lock, () => 1, { releaseOnExit: true })).resolves.toEqualTypeOf<number>();
expectTypeOf(webLocks(namespace, { releaseOnExit: true }).request("name", () => 1)).resolves.toEqualTypeOf<number>();
// @ts-expect-error it is true or false
void lock.hold({ releaseOnExit: "yes" });
// @ts-expect-error a lease that is merely taken has no holder to watch
void lock.acquire(1_000, { releaseOnExit: true });

// A transport may lack watchExit.
expectTypeOf<Omit<LockPrimitives, "watchExit">>().toExtend<LockPrimitives>();
// @ts-expect-error a transport may lack it
void primitives.watchExit(7);
const exitWatch = await primitives.watchExit?.(7);
expectTypeOf(exitWatch).toEqualTypeOf<ExitWatch | RefusalReply | undefined>();
if (exitWatch?.success) {
  expectTypeOf(exitWatch).toExtend<Disposable>();
  expectTypeOf(exitWatch.next(false)).resolves.toEqualTypeOf<LeaseEvent>();
}

const watch = await namespace.getByName("id").watchExit(7);
if ("handle" in watch) expectTypeOf(await watch.events.next(false)).toExtend<LeaseEvent>();
expectTypeOf<ExitWatchReply["success"]>().toEqualTypeOf<true>();
