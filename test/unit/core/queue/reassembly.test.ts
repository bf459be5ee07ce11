import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../../src/core/limits.ts";
import type { LockRequest } from "../../../../src/core/request.ts";
import { Machine, NOW, PLAIN } from "../machine.ts";

const waiter = (requestId: string, waited: number, rest: Partial<LockRequest> = {}): LockRequest => ({
  ...PLAIN,
  lockDelay: 0,
  wait: 600_000,
  requestId,
  waited,
  ...rest,
});

/** A lock whose object has started at NOW, and the waiters that come to it. */
class Restarted {
  readonly #machine = new Machine();

  get state() {
    return this.#machine.state;
  }

  come(at: number, requestId: string, waited: number): this {
    this.state.enqueue(waiter(requestId, waited), NOW + at);
    return this;
  }

  /** The waiters that are granted from then on, in order. Each releases at once. */
  grantedFrom(at: number): string[] {
    const granted: string[] = [];
    for (let now = NOW + at; now < NOW + at + 600_000; now = Math.max(now + 1, this.state.nextWake(now) ?? Infinity)) {
      this.state.wake(now);
      for (let answers = this.#answers(); answers.length > 0; answers = this.#answers())
        for (const { requestId, reply } of answers) {
          if (!reply.success) continue;
          granted.push(requestId);
          this.state.release(reply.lease, `release ${requestId}`, now);
        }
    }
    return granted;
  }

  #answers() {
    return this.state.takeEffects().answers;
  }
}

describe("G4 waiters that return after a restart", () => {
  it("Returning waiters are ordered by when they began to wait, and no lease is granted for two seconds.", () => {
    const lock = new Restarted().come(0, "third", 1_000).come(900, "first", 9_900).come(1_000, "second", 5_000);
    lock.state.wake(NOW + 1_999);
    expect(lock.state.takeEffects().answers).toEqual([]);
    expect(lock.grantedFrom(2_000)).toEqual(["first", "second", "third"]);
  });

  it("A repeated call marks a returning waiter, even if the call takes longer than it had waited before.", () => {
    const lock = new Restarted().come(60, "last", 50).come(70, "first", 900);
    expect(lock.grantedFrom(70)).toEqual(["first", "last"]);
  });

  it("Returning waiters lengthen the time without grants as long as they keep coming.", () => {
    const lock = new Restarted();
    for (let n = 0; n < 10; n += 1) lock.come(n * 1_200, `waiter ${n}`, 60_000);
    expect(lock.state.nextWake(NOW + 10_800)).toBe(NOW + 10_800 + LIMITS.quiet);
    lock.come(10_900, "the longest", 90_000);
    expect(lock.grantedFrom(10_900)[0]).toBe("the longest");
  });

  it("Returning waiters can't lengthen the time without grants beyond half a minute.", () => {
    const lock = new Restarted();
    for (let at = 0; at < LIMITS.reassembly; at += 1_000)
      lock.come(at, `waiter ${at}`, 600_000).come(at, "waiter 0", 0);
    lock.state.wake(NOW + LIMITS.reassembly - 1);
    expect(lock.state.isLocked(NOW + LIMITS.reassembly - 1)).toBe(false);
    lock.state.wake(NOW + LIMITS.reassembly);
    expect(lock.state.isLocked(NOW + LIMITS.reassembly)).toBe(true);
  });

  it("New requests are granted after the returning waiters, whether they queue or only ask.", () => {
    const lock = new Restarted().come(0, "before", 5_000).come(500, "newcomer", 0);
    lock.state.cancel("before", NOW + 600);
    const asks = lock.state.acquire(waiter("asks", 0), NOW + 700);
    expect(asks).toMatchObject({ success: false, reason: "BORROWED" });
    expect(lock.come(1_000, "also before", 5_000).grantedFrom(1_000)).toEqual(["also before", "newcomer"]);
  });

  it("Returning waiters are granted past a former head that never returns.", () => {
    expect(new Restarted().come(0, "second", 5_000).grantedFrom(0)).toEqual(["second"]);
  });

  it("Returning waiters keep their order through a second restart within the reassembly time.", () => {
    const first = new Restarted().come(0, "b", 2_000).come(100, "a", 5_000);
    first.state.wake(NOW + 1_000);
    const second = new Restarted().come(0, "b", 3_100).come(800, "a", 6_800);
    expect(second.grantedFrom(800)).toEqual(["a", "b"]);
  });
});

describe("G4 after the reassembly", () => {
  const old = () => new Restarted().come(0, "before", 5_000);

  it("A waiter that claims an impossible waiting time arrives now.", () => {
    const lock = old().come(10_000, "second", 0).come(20_000, "liar", Number.MAX_SAFE_INTEGER);
    lock.state.takeEffects();
    expect(lock.state.status(NOW + 20_000).waiters.at(-1)).toMatchObject({ waited: 0 });
  });

  it("A waiter that claims more than a minute arrives now, even if the object is old enough.", () => {
    const lock = new Restarted();
    lock.state.acquire(waiter("holder", 0, { ttl: 86_400_000, wait: 0 }), NOW);
    lock.come(600_000, "first", 0).come(600_001, "liar", 60_001).come(600_002, "lost its first call", 60_000);
    const { waiters } = lock.state.status(NOW + 600_002);
    expect(waiters.map(({ waited }) => waited)).toEqual([60_000, 2, 1]);
  });

  it("A waiter that returns too late is the last in the queue.", () => {
    const lock = new Restarted();
    lock.state.acquire(waiter("holder", 0, { ttl: 86_400_000, wait: 0 }), NOW);
    lock.come(0, "before", 5_000).come(9_000, "newcomer", 0).come(10_000, "late", 30_000);
    lock.state.release(lock.state.newest(NOW), "release", NOW + 10_000);
    expect(lock.grantedFrom(10_000)).toEqual(["before", "newcomer", "late"]);
  });

  it("A waiter whose connection is cut gets its position back within a minute, whatever it claims.", () => {
    for (const [away, expected] of [
      [59_999, ["cut", "next"]],
      [60_000, ["next", "cut"]],
    ] as const) {
      const lock = new Restarted();
      lock.state.acquire(waiter("holder", 0, { ttl: 86_400_000, wait: 0 }), NOW);
      const { lease } = lock.state.status(NOW).holders[0] ?? { lease: 0 };
      lock.come(0, "cut", 50_000);
      lock.state.drop("cut", NOW + 5_000);
      lock.come(5_000 + away - 1, "next", 0).come(5_000 + away, "cut", 55_000 + away);
      lock.state.takeEffects();
      lock.state.release(lease, "release", NOW + 5_000 + away);
      expect(lock.grantedFrom(5_000 + away)).toEqual(expected);
    }
  });

  it("The lock remembers no more waiters that have left than may wait.", () => {
    const lock = new Restarted();
    lock.state.acquire(waiter("holder", 0, { ttl: 86_400_000, wait: 0 }), NOW);
    for (let n = 0; n <= LIMITS.maxWaiters; n += 1) {
      lock.come(1, `waiter ${n}`, 0);
      lock.state.drop(`waiter ${n}`, NOW + 1);
    }
    lock.come(20_000, "newcomer", 0).come(20_001, "waiter 0", 600_000).come(20_001, "waiter 1", 600_000);
    expect(lock.state.status(NOW + 20_001).waiters.map(({ waited }) => waited)).toEqual([20_000, 1, 0]);
  });
});
