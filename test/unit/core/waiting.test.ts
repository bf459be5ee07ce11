import { describe, expect, it } from "vitest";
import type { Claim } from "../../../src/core/leases/lease.ts";
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

/** What was answered to parked calls since the last time. */
const answers = ({ state }: Machine) =>
  state.takeEffects().answers.map(({ requestId, reply }) => [requestId, reply.success || reply.reason]);

describe("one who asks while others wait", () => {
  it("G4 overtakes nobody, but may ask by its own name", () => {
    const machine = new Machine();
    machine.acquire(NOW, MANY);
    machine.state.enqueue(waiter("writer"), NOW);
    expect(machine.state.acquire(waiter("reader", READER), NOW)).toMatchObject({ reason: "BORROWED" });
    expect(machine.state.acquire(waiter("writer"), NOW)).toMatchObject({ reason: "BORROWED" });
    expect(machine.state.waiting).toBe(1);
  });

  it("is told when it may be worth asking again: when the first lease or lock-delay ends", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ...ONE_OF_TWO, lockDelay: 5_000 });
    machine.acquire(NOW, { ...ONE_OF_TWO, lockDelay: 9_000 });
    expect(machine.state.acquire(waiter("a"), NOW)).toMatchObject({ retryAfter: 1_000 });
    expect(machine.state.acquire(waiter("a"), NOW + 2_000)).toMatchObject({ retryAfter: 4_000 });
    expect(machine.state.acquire(waiter("a"), NOW + 7_000)).toMatchObject({ retryAfter: 3_000 });
  });

  it("gets no time if nothing ends: it is the queue that is in its way", () => {
    const machine = new Machine();
    machine.state.enqueue(waiter("late", { waited: 5_000 }), NOW);
    expect(machine.state.acquire(waiter("a"), NOW)).toEqual({ success: false, reason: "BORROWED" });
  });

  it("that steals is granted at once, past those who wait, who stay", () => {
    const machine = new Machine();
    machine.acquire(NOW, MANY);
    machine.state.enqueue(waiter("waits"), NOW);
    expect(machine.state.enqueue(waiter("thief", { steal: true }), NOW)).toMatchObject({ success: true });
    expect([answers(machine), machine.state.waiting]).toEqual([[], 1]);
  });
});

describe("one who begins to wait", () => {
  it("G1 is not held up by a lease that has run out unnoticed", () => {
    const machine = new Machine();
    machine.acquire(NOW);
    expect(machine.state.enqueue(waiter("a"), NOW + 1_000)).toMatchObject({ success: true });
  });

  it("G9 is refused if as many wait as may, unless it waits already", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: 600_000 });
    for (let n = 0; n < LIMITS.maxWaiters; n += 1) machine.state.enqueue(waiter(`w${n}`), NOW);
    expect(machine.state.enqueue(waiter("one more"), NOW)).toEqual({ success: false, reason: "QUEUE_FULL" });
    expect(machine.state.enqueue(waiter("w7"), NOW)).toBeUndefined();
    expect(machine.state.waiting).toBe(LIMITS.maxWaiters);
  });

  it("keeps its place when it asks again, and its lease is counted from its latest call", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { ttl: 600_000 });
    machine.state.enqueue(waiter("first"), NOW);
    machine.state.enqueue(waiter("second"), NOW + 1);
    machine.state.enqueue(waiter("first", { waited: 0 }), NOW + 100);
    machine.state.release(lease, "release", NOW + 200);
    const [granted] = machine.state.takeEffects().answers;
    expect(granted).toMatchObject({ requestId: "first", reply: { deadline: NOW + 1_200, validFor: 1_100 } });
  });

  it("and asks again, unknown to an instance in its first two seconds, lets its queue reassemble", () => {
    const { state } = new Machine();
    expect(state.enqueue(waiter("old", { waited: 1 }), NOW + 100)).toBeUndefined();
    expect(state.nextWake(NOW + 100)).toBe(NOW + LIMITS.returnWithin);
    const later = new Machine().state.enqueue(waiter("lost its first call", { waited: 1 }), NOW + LIMITS.returnWithin);
    expect(later).toMatchObject({ success: true });
  });
});

describe("the slice of a wait", () => {
  it("ends with an answer that says to ask again, and the place is kept for two seconds", () => {
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

  it("that ends in the instant in which the lock is free ends with the lock", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: LIMITS.longPoll });
    machine.state.enqueue(waiter("a"), NOW);
    machine.state.wake(NOW + LIMITS.longPoll);
    expect(answers(machine)).toEqual([["a", true]]);
  });

  it("that is as long as the wait is its end", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: 600_000 });
    machine.state.enqueue(waiter("a", { wait: LIMITS.longPoll }), NOW);
    machine.state.wake(NOW + LIMITS.longPoll);
    expect([answers(machine), machine.state.waiting]).toEqual([[["a", "BORROWED"]], 0]);
  });

  it("G4 that is a shorter poll ends with an answer that says how many are in line, and the place is kept", () => {
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

  it("G4 does not let anybody past the head that was answered and is not back yet", () => {
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

  it("ends for a place that is lost: a caller that comes back late is the last, or is granted", () => {
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

describe("who is next is granted at once, with no timer, when", () => {
  const ends: [string, (machine: Machine, lease: number) => unknown][] = [
    ["the lease is released", ({ state }, lease) => state.release(lease, "release", NOW + 1)],
    ["it is ended by force", ({ state }) => state.forceRelease("force", NOW + 1)],
    ["its request is taken back", ({ state }) => state.cancel("request 1", NOW + 1)],
    ["its holder is gone", ({ state }, lease) => state.expire(lease, NOW + 1)],
    ["it runs out", ({ state }) => state.wake(NOW + 600_000)],
    ["it has run out, and a renewal comes late", ({ state }, lease) => state.renew(lease, 1, "late", NOW + 600_000)],
    ["it has run out, and a release comes late", ({ state }, lease) => state.release(lease, "late", NOW + 600_000)],
    ["it has run out, and all are asked to release", ({ state }) => state.requestRelease("ask", NOW + 600_000)],
    ["it has run out, and one who waits goes", ({ state }) => state.drop("stranger", NOW + 600_000)],
    ["it has run out, and all are forced", ({ state }) => state.forceRelease("force", NOW + 600_000)],
    ["it has run out, and a stranger is cancelled", ({ state }) => state.cancel("stranger", NOW + 600_000)],
  ];
  it.each(ends)("%s", (_how, end) => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { ttl: 600_000 });
    // Kept alive until then, as its client would.
    for (let now = NOW; now < NOW + 600_000 - LIMITS.longPoll; now += LIMITS.longPoll)
      machine.state.enqueue(waiter("next", { wait: 86_400_000 }), now);
    machine.state.enqueue(waiter("next", { wait: 86_400_000 }), NOW + 599_999);
    machine.state.takeEffects();
    end(machine, lease);
    expect(answers(machine)).toContainEqual(["next", true]);
  });

  it("a writer becomes a reader: all readers at the head", () => {
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

  it("the one who was ahead gives up, or is gone", () => {
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

describe("one who leaves the line", () => {
  it("is told so, and takes nothing if its request comes again", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: 600_000 });
    machine.state.enqueue(waiter("a"), NOW);
    machine.state.cancel("a", NOW);
    expect([answers(machine), machine.state.waiting]).toEqual([[["a", "NO_LONGER_VALID"]], 0]);
    expect(machine.state.enqueue(waiter("a"), NOW)).toMatchObject({ reason: "NO_LONGER_VALID", ended: "released" });
  });

  it("while it was only answered is not answered again", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: 600_000 });
    machine.state.enqueue(waiter("a"), NOW);
    machine.state.wake(NOW + LIMITS.longPoll);
    machine.state.takeEffects();
    machine.state.cancel("a", NOW + LIMITS.longPoll);
    expect([answers(machine), machine.state.waiting]).toEqual([[], 0]);
  });

  it("because its caller is gone may come back, and is not dropped while it was only answered", () => {
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

describe("what is known of the waiters", () => {
  it("is that one came or left, so that one in another's place is a change", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: 600_000 });
    machine.state.enqueue(waiter("a"), NOW);
    expect(machine.state.takeEffects().events).toEqual([{ what: "queued" }]);
    machine.state.drop("a", NOW);
    machine.state.drop("a", NOW);
    expect(machine.state.takeEffects().events).toEqual([{ what: "dequeued" }]);
  });

  it("is who, for how long and for what, in their order", () => {
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

  it("is when something is due, only while somebody waits or watches", () => {
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

describe("what is known of the holders", () => {
  const claims: [string, Claim, Claim, boolean][] = [
    ["a reader beside a reader", READER, READER, true],
    ["a writer beside a reader", READER, EXCLUSIVE, false],
    ["a reader beside a writer", EXCLUSIVE, READER, false],
    ["the second of two", ONE_OF_TWO, ONE_OF_TWO, true],
    ["two beside one of two", ONE_OF_TWO, { ...ONE_OF_TWO, permits: 2 }, false],
  ];
  it.each(claims)("admits %s or not", (_what, first, second, isAdmitted) => {
    const machine = new Machine();
    machine.acquire(NOW, first);
    expect(machine.acquire(NOW, second) > 0).toBe(isAdmitted);
    expect(machine.state.isLocked(NOW)).toBe(true);
    expect(machine.state.isLocked(NOW + 1_000)).toBe(false);
  });

  it("is forgotten when the lock is wiped, though nobody noticed that they ran out", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { requestId: "a", lockDelay: 5_000 });
    machine.state.wake(NOW + 2_000);
    machine.state.forget();
    machine.disk.clear();
    expect(machine.acquire(NOW + 90_000_000)).toBeGreaterThan(lease);
    expect([...machine.disk.values()].map(({ past }) => past)).toEqual([[]]);
    const other = new Machine();
    const first = other.acquire(NOW, { requestId: "a" });
    other.state.forget();
    expect(other.acquire(NOW + 90_000_000, { requestId: "a" })).toBeGreaterThan(first);
  });
});

describe("a job that runs once", () => {
  const result = { lease: 1, fingerprint: "sha", failed: false, retain: 10_000, keptUntil: NOW + 10_000 };

  it("has its result told to those who wait, as soon as it is kept, and its payload to those who come", () => {
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

  it("answers nobody who waits for something else", () => {
    const machine = new Machine();
    machine.acquire(NOW, { job: { fingerprint: "sha" }, ttl: 60_000 });
    machine.state.enqueue(waiter("else"), NOW);
    machine.state.keepResult(result, NOW);
    expect([answers(machine), machine.state.waiting]).toEqual([[], 1]);
  });

  it("learns about another payload as soon as its own runs", () => {
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

  it("has a result that is deleted once when its time ends, and not if another was stored in the same turn", () => {
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

  it("is forgotten when the lock is wiped", () => {
    const machine = new Machine();
    machine.state.keepResult(result, NOW);
    machine.state.forget();
    expect(machine.state.record.kept(NOW)).toBeUndefined();
  });
});
