// Compiled and not run: what the types of crash release accept, refuse and tell.
import { expectTypeOf } from "vitest";
import {
  type Binding,
  type ExitWatch,
  type DurableLock,
  type HeldLease,
  type HoldNews,
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

expectTypeOf<HoldOptions["bound"]>().toEqualTypeOf<boolean | undefined>();
expectTypeOf<TryOptions["bound"]>().toEqualTypeOf<boolean | undefined>();
expectTypeOf<ResumeOptions["bound"]>().toEqualTypeOf<boolean | undefined>();
expectTypeOf(useDurableLock(namespace, "id").hold({ bound: true })).resolves.toEqualTypeOf<HeldLease>();
expectTypeOf(lock.resume(7, { bound: true })).resolves.toEqualTypeOf<HeldLease>();
expectTypeOf(lock.withLock(() => 1, { bound: true })).resolves.toEqualTypeOf<number>();
expectTypeOf(withLocks([lock], () => 1, { bound: true })).resolves.toEqualTypeOf<number>();
expectTypeOf(once(lock, () => 1, { bound: true })).resolves.toEqualTypeOf<number>();
expectTypeOf(lead(lock, () => 1, { bound: true })).resolves.toEqualTypeOf<number>();
expectTypeOf(webLocks(namespace, { bound: true }).request("name", () => 1)).resolves.toEqualTypeOf<number>();
// @ts-expect-error it is so or not
void lock.hold({ bound: "yes" });
// @ts-expect-error a lease that is merely taken has no holder to watch
void lock.acquire(1_000, { bound: true });

// A transport may do without.
expectTypeOf<Omit<LockPrimitives, "bind">>().toExtend<LockPrimitives>();
// @ts-expect-error it has to be looked for
void primitives.bind(7);
const binding = await primitives.bind?.(7);
expectTypeOf(binding).toEqualTypeOf<Binding | RefusalReply | undefined>();
if (binding?.success) {
  expectTypeOf(binding).toExtend<Disposable>();
  expectTypeOf(binding.next(false)).resolves.toEqualTypeOf<HoldNews>();
}

const bond = await namespace.getByName("id").bind(7);
if ("tie" in bond) expectTypeOf(await bond.news.next(false)).toExtend<HoldNews>();
expectTypeOf<ExitWatch["success"]>().toEqualTypeOf<true>();
