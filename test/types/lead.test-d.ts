// Compiled and not run: what the types of elections and operators accept, refuse and return.
import { expectTypeOf } from "vitest";
import {
  type LeaderWork,
  type Leader,
  type Leadership,
  type Lock,
  type LockStatus,
  type Semaphore,
  lead,
  observe,
} from "../../src/index.ts";

declare const lock: Lock;
declare const semaphore: Semaphore;
declare const signal: AbortSignal;

expectTypeOf(lead(lock, async () => "text")).resolves.toEqualTypeOf<string>();
expectTypeOf(lead(lock, () => 1)).resolves.toEqualTypeOf<number>();
expectTypeOf(lead(semaphore, () => {})).resolves.toEqualTypeOf<void>();
const work: LeaderWork<string> = ({ term }) => String(term);
expectTypeOf(
  lead(lock, work, { ttl: 5_000, owner: "a", releaseOnExit: true, lockDelay: 0, signal }),
).resolves.toEqualTypeOf<string>();
void lead(lock, (leadership) => {
  expectTypeOf(leadership).toEqualTypeOf<Leadership>();
  expectTypeOf(leadership.term).toEqualTypeOf<number>();
  expectTypeOf(leadership.signal).toEqualTypeOf<AbortSignal>();
  expectTypeOf(leadership.hasEnded()).toEqualTypeOf<boolean>();
  expectTypeOf(leadership.resign()).toEqualTypeOf<void>();
  // @ts-expect-error the number of a term does not change
  leadership.term = 1;
});
// @ts-expect-error a candidate waits for as long as it takes
void lead(lock, () => {}, { wait: 1 });
// @ts-expect-error there is one leader
void lead(lock, () => {}, { permits: 1, capacity: 2 });
// @ts-expect-error work is a function
void lead(lock, "work");

for await (const leader of observe(lock, { signal })) {
  expectTypeOf(leader).toEqualTypeOf<Leader | undefined>();
  // @ts-expect-error there may be none
  void leader.term;
  expectTypeOf(leader?.owner).toEqualTypeOf<string | undefined>();
}
// @ts-expect-error nothing is polled
observe(lock, { interval: 1_000 });

expectTypeOf(lock.forceRelease()).resolves.toEqualTypeOf<number>();
expectTypeOf(lock.requestRelease()).resolves.toEqualTypeOf<void>();
void lock.hold({ lockDelay: 5_000, onReleaseRequested: ({ lease }) => void lease });
void lock.withLock(() => {}, { onReleaseRequested: async (held) => void (await held.release()) });
void lock.acquire(1_000, { lockDelay: 5_000 });
// @ts-expect-error a plain lease has no such callback
void lock.acquire(1_000, { onReleaseRequested: () => {} });
// @ts-expect-error a duration is a number
void lock.acquire(1_000, { lockDelay: "5s" });
expectTypeOf<LockStatus["delayedUntil"]>().toEqualTypeOf<number | undefined>();
