// Compiled and not run: what the types of the toolkit accept, refuse and return.
import { expectTypeOf } from "vitest";
import {
  type DurableLock,
  type HeldLease,
  type HeldLocks,
  type Lock,
  type ReadWriteLock,
  type Semaphore,
  useReadWriteLock,
  useSemaphore,
  withLocks,
} from "../../src/index.ts";

declare const namespace: DurableObjectNamespace<DurableLock>;
declare const locks: Lock[];
declare const held: HeldLease;

const semaphore = useSemaphore(namespace, "id", { permits: 3 });
expectTypeOf(semaphore).toEqualTypeOf<Semaphore>();
expectTypeOf(semaphore).toExtend<Lock>();
expectTypeOf(semaphore.withPermits(2, () => "text")).resolves.toEqualTypeOf<string>();
expectTypeOf(semaphore.withPermits(2, async (lease) => lease)).resolves.toEqualTypeOf<HeldLease>();
// @ts-expect-error the number of permits is needed
useSemaphore(namespace, "id");
// @ts-expect-error misspelt
useSemaphore(namespace, "id", { permit: 3 });
// @ts-expect-error the count says how many
void semaphore.withPermits(2, () => {}, { permits: 3 });

const lock = useReadWriteLock(namespace, "id");
expectTypeOf(lock).toEqualTypeOf<ReadWriteLock>();
expectTypeOf(lock.read).toEqualTypeOf<Lock>();
expectTypeOf(lock.write).toEqualTypeOf<Lock>();
expectTypeOf(lock.downgrade(held)).resolves.toEqualTypeOf<void>();
expectTypeOf(lock.upgrade(held)).resolves.toEqualTypeOf<boolean>();
// @ts-expect-error a hold, and not its number
void lock.upgrade(held.lease);

expectTypeOf(withLocks([semaphore, lock.read, lock.write], () => 1)).resolves.toEqualTypeOf<number>();
void withLocks(locks, (all) => {
  expectTypeOf(all).toEqualTypeOf<HeldLocks>();
  expectTypeOf(all.leases).toEqualTypeOf<readonly number[]>();
});
// @ts-expect-error locks, and not their ids
void withLocks(["a", "b"], () => {});
// @ts-expect-error each lock takes what its kind takes
void withLocks(locks, () => {}, { permits: 2 });
