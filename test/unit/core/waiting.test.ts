import { describe, expect, it } from "vitest";
import type { Claim } from "../../../src/core/leases/lease.ts";
import { NO_RECORDS } from "../../../src/core/leases/past-records.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { LockRequest } from "../../../src/core/request.ts";
import { infoOf } from "../../../src/core/results/job-record.ts";
import { EXCLUSIVE, Machine, NOW, ONE_OF_TWO, PLAIN, READER } from "./machine.ts";

const waiter = (requestId: string, rest: Partial<LockRequest> = {}): LockRequest => ({
  ...PLAIN,
  lockDelay: 0,
  wait: 60_000,
  requestId,
  ...rest,
});

const MANY = { ...READER, ttl: 600_000 };

/** The answers to parked calls since the last time. */
const answers = ({ state }: Machine) =>
  state.takeEffects().answers.map(({ requestId, reply }) => [requestId, reply.success || reply.reason]);

describe("Requests while others wait", () => {
  it("G4 An acquire that does not wait overtakes no waiter, and under a waiter's own id leaves it queued.", () => {
    const machine = new Machine();
    machine.acquire(NOW, MANY);
    machine.state.enqueue(waiter("writer"), NOW);
    expect(machine.state.acquire(waiter("reader", READER), NOW)).toMatchObject({ reason: "BORROWED" });
    expect(machine.state.acquire(waiter("writer"), NOW)).toMatchObject({ reason: "BORROWED" });
    expect(machine.state.waiting).toBe(1);
  });

  it("A refused acquire learns when to try again: when the first lease or lock-delay ends.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ...ONE_OF_TWO, lockDelay: 5_000 });
    machine.acquire(NOW, { ...ONE_OF_TWO, lockDelay: 9_000 });
    expect(machine.state.acquire(waiter("a"), NOW)).toMatchObject({ retryAfter: 1_000 });
    expect(machine.state.acquire(waiter("a"), NOW + 2_000)).toMatchObject({ retryAfter: 4_000 });
    expect(machine.state.acquire(waiter("a"), NOW + 7_000)).toMatchObject({ retryAfter: 3_000 });
  });

  it("A refused acquire gets no time to try again if only the queue is in its way.", () => {
    const machine = new Machine();
    machine.state.enqueue(waiter("late", { waited: 5_000 }), NOW);
    expect(machine.state.acquire(waiter("a"), NOW)).toEqual({ success: false, reason: "BORROWED" });
  });

  it("A steal is granted at once past the waiters, which stay queued.", () => {
    const machine = new Machine();
    machine.acquire(NOW, MANY);
    machine.state.enqueue(waiter("waits"), NOW);
    expect(machine.state.enqueue(waiter("thief", { steal: true }), NOW)).toMatchObject({ success: true });
    expect([answers(machine), machine.state.waiting]).toEqual([[], 1]);
  });
});

describe("Beginning to wait", () => {
  it("G1 A new waiter is not held up by a lease that expired unnoticed.", () => {
    const machine = new Machine();
    machine.acquire(NOW);
    expect(machine.state.enqueue(waiter("a"), NOW + 1_000)).toMatchObject({ success: true });
  });

  it("G9 A new waiter is refused if the queue is full, and a waiter that asks again is not.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: 600_000 });
    for (let n = 0; n < LIMITS.maxWaiters; n += 1) machine.state.enqueue(waiter(`w${n}`), NOW);
    expect(machine.state.enqueue(waiter("one more"), NOW)).toEqual({ success: false, reason: "QUEUE_FULL" });
    expect(machine.state.enqueue(waiter("w7"), NOW)).toBeUndefined();
    expect(machine.state.waiting).toBe(LIMITS.maxWaiters);
  });

  it("A waiter keeps its position when it asks again, and its lease counts from its latest call.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { ttl: 600_000 });
    machine.state.enqueue(waiter("first"), NOW);
    machine.state.enqueue(waiter("second"), NOW + 1);
    machine.state.enqueue(waiter("first", { waited: 0 }), NOW + 100);
    machine.state.release(lease, "release", NOW + 200);
    const [granted] = machine.state.takeEffects().answers;
    expect(granted).toMatchObject({ requestId: "first", reply: { deadline: NOW + 1_200, validFor: 1_100 } });
  });

  it("A waiter that asks again, unknown to an instance in its first two seconds, lets the queue reassemble.", () => {
    const { state } = new Machine();
    expect(state.enqueue(waiter("old", { waited: 1 }), NOW + 100)).toBeUndefined();
    expect(state.nextWake(NOW + 100)).toBe(NOW + LIMITS.returnWithin);
    const later = new Machine().state.enqueue(waiter("lost its first call", { waited: 1 }), NOW + LIMITS.returnWithin);
    expect(later).toMatchObject({ success: true });
  });
});

describe("Long polls", () => {
  it("A long poll ends with an answer that says to ask again, and the queue entry is kept for two seconds.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: 600_000 });
    machine.state.enqueue(waiter("a"), NOW);
    machine.state.wake(NOW + LIMITS.longPoll - 1);
    expect(answers(machine)).toEqual([]);
    machine.state.wake(NOW + LIMITS.longPoll);
    expect([answers(machine), machine.state.waiting]).toEqual([[["a", "BORROWED"]], 1]);
    machine.state.wake(NOW + LIMITS.longPoll + LIMITS.returnWithin - 1);
    expect(machine.state.waiting).toBe(1);
    machine.state.wake(NOW + LIMITS.longPoll + LIMITS.returnWithin);
    expect([answers(machine), machine.state.waiting]).toEqual([[], 0]);
  });

  it("A long poll that ends at the instant in which the lock is free ends with a grant.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: LIMITS.longPoll });
    machine.state.enqueue(waiter("a"), NOW);
    machine.state.wake(NOW + LIMITS.longPoll);
    expect(answers(machine)).toEqual([["a", true]]);
  });

  it("A long poll that is as long as the wait ends the wait.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: 600_000 });
    machine.state.enqueue(waiter("a", { wait: LIMITS.longPoll }), NOW);
    machine.state.wake(NOW + LIMITS.longPoll);
    expect([answers(machine), machine.state.waiting]).toEqual([[["a", "BORROWED"]], 0]);
  });

  it("G4 A shorter long poll ends with the number of waiters, and the queue entry is kept.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: 600_000 });
    machine.state.enqueue(waiter("a", { longPoll: 8_000, wait: 10_000 }), NOW);
    machine.state.enqueue(waiter("b", { longPoll: 10_000, wait: 10_000 }), NOW);
    machine.state.wake(NOW + 8_000);
    const [ended] = machine.state.takeEffects().answers;
    expect(ended).toMatchObject({ requestId: "a", reply: { reason: "BORROWED", waiting: 2 } });
    machine.state.enqueue(waiter("a", { longPoll: 8_000, wait: 2_000, waited: 8_000 }), NOW + 8_000);
    machine.state.wake(NOW + 10_000);
    const last = machine.state.takeEffects().answers;
    expect(last.map(({ requestId }) => requestId)).toEqual(["a", "b"]);
    expect(last.map(({ reply }) => "waiting" in reply)).toEqual([false, false]);
  });

  it("G4 No waiter overtakes a head that was answered and has not returned yet.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { ttl: 600_000 });
    machine.state.enqueue(waiter("head"), NOW);
    machine.state.enqueue(waiter("next"), NOW + 1);
    machine.state.wake(NOW + LIMITS.longPoll);
    machine.state.takeEffects();
    machine.state.release(lease, "release", NOW + LIMITS.longPoll);
    expect(answers(machine)).toEqual([]);
    expect(machine.state.enqueue(waiter("head", { waited: LIMITS.longPoll }), NOW + LIMITS.longPoll)).toMatchObject({
      success: true,
    });
  });

  it("A waiter that does not return after its long poll loses its queue entry.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { ttl: 600_000 });
    machine.state.enqueue(waiter("head"), NOW);
    machine.state.enqueue(waiter("next", { wait: 26_000 }), NOW + 1);
    machine.state.wake(NOW + LIMITS.longPoll);
    machine.state.release(lease, "release", NOW + LIMITS.longPoll);
    machine.state.takeEffects();
    machine.state.enqueue(waiter("next", { wait: 1_000 }), NOW + LIMITS.longPoll + 1);
    machine.state.wake(NOW + LIMITS.longPoll + LIMITS.returnWithin);
    expect(machine.state.waiting).toBe(0);
  });
});

describe("Grants without a timer", () => {
  const ends: [string, (machine: Machine, lease: number) => unknown][] = [
    ["the lease is released", ({ state }, lease) => state.release(lease, "release", NOW + 1)],
    ["a forced release ends the lease", ({ state }) => state.forceRelease("force", NOW + 1)],
    ["the holder's request is cancelled", ({ state }) => state.cancel("request 1", NOW + 1)],
    ["the holder has died", ({ state }, lease) => state.expire(lease, NOW + 1)],
    ["the lease expires", ({ state }) => state.wake(NOW + 600_000)],
    [
      "the lease has expired and a renewal comes late",
      ({ state }, lease) => state.renew(lease, 1, "late", NOW + 600_000),
    ],
    [
      "the lease has expired and a release comes late",
      ({ state }, lease) => state.release(lease, "late", NOW + 600_000),
    ],
    ["the lease has expired and its release is requested", ({ state }) => state.requestRelease("ask", NOW + 600_000)],
    ["the lease has expired and a stranger is dropped", ({ state }) => state.drop("stranger", NOW + 600_000)],
    ["the lease has expired and a forced release comes", ({ state }) => state.forceRelease("force", NOW + 600_000)],
    ["the lease has expired and a stranger is cancelled", ({ state }) => state.cancel("stranger", NOW + 600_000)],
  ];
  it.each(ends)("The next waiter is granted at once, without a timer, when %s.", (_how, end) => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { ttl: 600_000 });
    // The waiter polls until then, as its client would.
    for (let now = NOW; now < NOW + 600_000 - LIMITS.longPoll; now += LIMITS.longPoll)
      machine.state.enqueue(waiter("next", { wait: 86_400_000 }), now);
    machine.state.enqueue(waiter("next", { wait: 86_400_000 }), NOW + 599_999);
    machine.state.takeEffects();
    end(machine, lease);
    expect(answers(machine)).toContainEqual(["next", true]);
  });

  it("When a writer becomes a reader, all readers at the head of the queue are granted at once.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { ttl: 600_000 });
    machine.state.enqueue(waiter("one", READER), NOW);
    machine.state.enqueue(waiter("two", READER), NOW);
    machine.state.enqueue(waiter("writer"), NOW);
    machine.state.convert(lease, READER, "downgrade", NOW);
    expect(answers(machine)).toEqual([
      ["one", true],
      ["two", true],
    ]);
  });

  it("When the waiter ahead gives up or is gone, the next waiter is granted at once.", () => {
    for (const leave of ["cancel", "drop"] as const) {
      const machine = new Machine();
      machine.acquire(NOW, MANY);
      machine.state.enqueue(waiter("writer"), NOW);
      machine.state.enqueue(waiter("reader", READER), NOW);
      machine.state[leave]("writer", NOW);
      expect(answers(machine)).toContainEqual(["reader", true]);
    }
  });
});

describe("Leaving the queue", () => {
  it("A cancelled waiter learns that it was cancelled, and takes nothing if its request comes again.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: 600_000 });
    machine.state.enqueue(waiter("a"), NOW);
    machine.state.cancel("a", NOW);
    expect([answers(machine), machine.state.waiting]).toEqual([[["a", "NO_LONGER_VALID"]], 0]);
    expect(machine.state.enqueue(waiter("a"), NOW)).toMatchObject({ reason: "NO_LONGER_VALID", ended: "released" });
  });

  it("A waiter that is cancelled after its long poll was answered is not answered again.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: 600_000 });
    machine.state.enqueue(waiter("a"), NOW);
    machine.state.wake(NOW + LIMITS.longPoll);
    machine.state.takeEffects();
    machine.state.cancel("a", NOW + LIMITS.longPoll);
    expect([answers(machine), machine.state.waiting]).toEqual([[], 0]);
  });

  it("A waiter whose caller is gone may return, and is not dropped once its long poll was answered.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: 600_000 });
    machine.state.enqueue(waiter("a"), NOW);
    machine.state.drop("a", NOW);
    expect([answers(machine), machine.state.waiting]).toEqual([[], 0]);
    expect(machine.state.enqueue(waiter("a"), NOW)).toBeUndefined();
    machine.state.wake(NOW + LIMITS.longPoll);
    machine.state.drop("a", NOW + LIMITS.longPoll);
    expect(machine.state.waiting).toBe(1);
  });
});

describe("Reports about waiters", () => {
  it("The events report each waiter that comes or leaves, so that a waiter that replaces another is a change.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: 600_000 });
    machine.state.enqueue(waiter("a"), NOW);
    expect(machine.state.takeEffects().events).toEqual([{ what: "queued" }]);
    machine.state.drop("a", NOW);
    machine.state.drop("a", NOW);
    expect(machine.state.takeEffects().events).toEqual([{ what: "dequeued" }]);
  });

  it("The status shows who waits, for how long and for which claim, in the order of the queue.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: 600_000, owner: "holder" });
    machine.state.enqueue(waiter("b", { ...ONE_OF_TWO, owner: "second" }), NOW + 10);
    machine.state.enqueue(waiter("a", { waited: 5 }), NOW + 5);
    machine.state.enqueue(waiter("c"), NOW + 20);
    expect(machine.state.status(NOW + 15)).toEqual({
      locked: true,
      holders: [
        {
          lease: expect.any(Number),
          since: NOW,
          ttl: 600_000,
          renewedAt: NOW,
          deadline: NOW + 600_000,
          owner: "holder",
          ...EXCLUSIVE,
        },
      ],
      waiters: [
        { waited: 15, ...EXCLUSIVE },
        { waited: 5, owner: "second", ...ONE_OF_TWO },
        { waited: 0, ...EXCLUSIVE },
      ],
    });
  });

  it("The next wake-up is known only while a caller waits or watches.", () => {
    const machine = new Machine();
    expect(machine.state.nextWake(NOW, true)).toBeUndefined();
    machine.acquire(NOW, { ttl: 60_000 });
    expect(machine.state.nextWake(NOW)).toBeUndefined();
    expect(machine.state.nextWake(NOW, true)).toBe(NOW + 60_000);
    machine.state.enqueue(waiter("a"), NOW);
    expect(machine.state.nextWake(NOW)).toBe(NOW + LIMITS.longPoll);
    machine.state.enqueue(waiter("b", { wait: 100 }), NOW);
    expect(machine.state.nextWake(NOW)).toBe(NOW + 100);
  });
});

describe("Holders", () => {
  const claims: [string, Claim, Claim, boolean][] = [
    ["a reader beside a reader", READER, READER, true],
    ["a writer beside a reader", READER, EXCLUSIVE, false],
    ["a reader beside a writer", EXCLUSIVE, READER, false],
    ["the second of two permits", ONE_OF_TWO, ONE_OF_TWO, true],
    ["two permits beside one of two", ONE_OF_TWO, { ...ONE_OF_TWO, permits: 2 }, false],
  ];
  it.each(claims)("The admission rule decides on %s.", (_what, first, second, isAdmitted) => {
    const machine = new Machine();
    machine.acquire(NOW, first);
    expect(machine.acquire(NOW, second) > 0).toBe(isAdmitted);
    expect(machine.state.isLocked(NOW)).toBe(true);
    expect(machine.state.isLocked(NOW + 1_000)).toBe(false);
  });

  it("A clean-up forgets the holders, even if their expiry was never noticed.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { requestId: "a", lockDelay: 5_000 });
    machine.state.wake(NOW + 2_000);
    machine.state.forget();
    machine.disk.clear();
    expect(machine.acquire(NOW + 90_000_000)).toBeGreaterThan(lease);
    expect([...machine.disk.values()].map(({ past }) => past)).toEqual([NO_RECORDS]);
    const other = new Machine();
    const first = other.acquire(NOW, { requestId: "a" });
    other.state.forget();
    expect(other.acquire(NOW + 90_000_000, { requestId: "a" })).toBeGreaterThan(first);
  });
});

describe("Once-only jobs", () => {
  const result = { lease: 1, fingerprint: "sha", failed: false, retain: 10_000, keptUntil: NOW + 10_000 };

  it("A job's result reaches its waiters once it is stored, and a request with another payload is refused.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { job: { fingerprint: "sha" }, ttl: 60_000 });
    machine.state.enqueue(waiter("same", { job: { fingerprint: "sha" } }), NOW);
    expect(machine.state.enqueue(waiter("other", { job: { fingerprint: "other" } }), NOW)).toMatchObject({
      reason: "FINGERPRINT_MISMATCH",
    });
    const info = infoOf({ lease, job: { fingerprint: "sha" } }, { failed: false, retain: 10_000 }, NOW);
    expect(info).toEqual({ ...result, lease });
    machine.state.keepResult(info, NOW);
    expect(answers(machine)).toEqual([["same", "RECORDED"]]);
    expect(machine.state.acquire(waiter("late", { job: { fingerprint: "sha" } }), NOW + 9_999)).toMatchObject({
      reason: "RECORDED",
    });
    expect(infoOf({ lease, job: undefined }, { failed: true, retain: 1 }, NOW)).toMatchObject({
      fingerprint: undefined,
    });
  });

  it("A job's result is no answer to a waiter for a plain lock.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { job: { fingerprint: "sha" }, ttl: 60_000 });
    machine.state.enqueue(waiter("else"), NOW);
    machine.state.keepResult(result, NOW);
    expect([answers(machine), machine.state.waiting]).toEqual([[], 1]);
  });

  it("A waiter with another payload is refused as soon as the job of the waiter ahead runs.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { ttl: 60_000 });
    machine.state.enqueue(waiter("first", { job: { fingerprint: "sha" } }), NOW);
    machine.state.enqueue(waiter("second", { job: { fingerprint: "other" } }), NOW);
    machine.state.release(lease, "release", NOW);
    expect(answers(machine)).toEqual([
      ["first", true],
      ["second", "FINGERPRINT_MISMATCH"],
    ]);
  });

  it("A job's result is deleted once when its time ends, and not if another was stored in the same step.", () => {
    const machine = new Machine();
    machine.state.keepResult(result, NOW);
    machine.state.wake(NOW + 9_999);
    expect(machine.state.takeEffects()).toMatchObject({ deletesResult: false });
    machine.state.wake(NOW + 10_000);
    expect(machine.state.takeEffects()).toMatchObject({ deletesResult: true });
    machine.state.wake(NOW + 10_001);
    expect(machine.state.takeEffects()).toMatchObject({ deletesResult: false });
    machine.state.keepResult(result, NOW);
    machine.state.wake(NOW + 10_000);
    machine.state.keepResult({ ...result, keptUntil: NOW + 20_000 }, NOW + 10_000);
    expect(machine.state.takeEffects()).toMatchObject({ deletesResult: false });
  });

  it("A clean-up forgets the result of a job.", () => {
    const machine = new Machine();
    machine.state.keepResult(result, NOW);
    machine.state.forget();
    expect(machine.state.record.kept(NOW)).toBeUndefined();
  });
});
