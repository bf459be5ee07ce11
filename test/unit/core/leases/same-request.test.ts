import { describe, expect, it } from "vitest";
import type { LockState } from "../../../../src/core/lock-state.ts";
import type { LockRequest } from "../../../../src/core/request.ts";
import { infoOf } from "../../../../src/core/results/job-record.ts";
import { EXCLUSIVE, Machine, NOW, ONE_OF_TWO, PLAIN, READER } from "../machine.ts";

const REQUEST = { ...PLAIN, lockDelay: 0, requestId: "same" };
const REFUSED = { success: false, reason: "INVALID_ARGUMENT", argument: "requestId" };
const JOB = { job: { fingerprint: "payload" } };

/** A request, and a different request under the same id. */
const DIFFERENT: [string, Partial<LockRequest>, Partial<LockRequest>][] = [
  ["a reader", READER, EXCLUSIVE],
  ["a writer", EXCLUSIVE, READER],
  ["one permit", ONE_OF_TWO, { ...ONE_OF_TWO, permits: 2 }],
  ["a permit of two", ONE_OF_TWO, { ...ONE_OF_TWO, capacity: 3 }],
  ["a job", JOB, {}],
  ["a plain lock", {}, JOB],
  ["a job of one payload", JOB, { job: { fingerprint: "another payload" } }],
  ["a job without a payload", { job: { fingerprint: undefined } }, JOB],
];

const bothWays = (state: LockState, request: LockRequest, now: number) => [
  state.acquire(request, now),
  state.enqueue({ ...request, wait: 5_000 }, now),
];

describe("G5 the id of another request", () => {
  it.each(DIFFERENT)(
    "A different request under the id of a held lease is refused and changes nothing: %s.",
    (_who, first, second) => {
      const machine = new Machine();
      const lease = machine.acquire(NOW, { requestId: "same", ...first });
      const before = machine.state.status(NOW + 1);
      for (const reply of bothWays(machine.state, { ...REQUEST, ...second }, NOW + 1))
        expect(reply).toMatchObject(REFUSED);
      expect(machine.write()).toBe(0);
      expect(machine.state.status(NOW + 1)).toEqual(before);
      expect(machine.acquire(NOW + 1, { requestId: "same", ...first })).toBe(lease);
    },
  );

  it.each(DIFFERENT)(
    "A different request under the id of a waiter is refused, and the waiter stays queued and is granted: %s.",
    (_who, first, second) => {
      const machine = new Machine();
      const lease = machine.acquire(NOW);
      expect(machine.state.enqueue({ ...REQUEST, ...first, wait: 5_000 }, NOW)).toBe(undefined);
      for (const reply of bothWays(machine.state, { ...REQUEST, ...second }, NOW + 1))
        expect(reply).toMatchObject(REFUSED);
      expect(machine.state.takeEffects().answers).toEqual([]);
      machine.state.release(lease, "release", NOW + 2);
      const { answers } = machine.state.takeEffects();
      expect(answers).toMatchObject([{ requestId: "same", reply: { success: true } }]);
      expect(machine.state.status(NOW + 2).holders).toHaveLength(1);
    },
  );

  it.each(DIFFERENT)(
    "Every request under the id of a lease that has ended is refused as no longer valid: %s.",
    (_who, first, second) => {
      const machine = new Machine();
      machine.state.release(machine.acquire(NOW, { requestId: "same", ...first }), "release", NOW);
      for (const reply of bothWays(machine.state, { ...REQUEST, ...second }, NOW + 1))
        expect(reply).toEqual({ success: false, reason: "NO_LONGER_VALID", ended: "released" });
    },
  );

  it("The refusal says what the earlier request takes and what the new one asks for.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { requestId: "same", ...ONE_OF_TWO });
    const reply = machine.state.acquire(REQUEST, NOW);
    const words = "takes 1 of 2 permits, but this request takes the whole lock";
    expect(reply).toMatchObject({ message: expect.stringContaining(words) });
  });

  it("A repeated acquire is refused after a conversion if it asks for the claim that the lease gave up.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { requestId: "same" });
    expect(machine.state.convert(lease, READER, "down", NOW)).toMatchObject({ success: true });
    expect(machine.state.acquire(REQUEST, NOW)).toMatchObject(REFUSED);
    expect(machine.state.acquire({ ...REQUEST, ...READER }, NOW)).toMatchObject({ success: true, lease });
  });
});

describe("G5 results of jobs", () => {
  it("A job's result still answers the request that had its lease, and no request with another payload.", () => {
    const { state } = new Machine();
    const request = { ...REQUEST, ...JOB };
    const granted = state.acquire(request, NOW);
    const lease = granted.success ? granted.lease : 0;
    state.keepResult(infoOf({ lease, ...JOB }, { retain: 60_000, failed: false }, NOW), NOW);
    state.release(lease, "release", NOW);
    expect(state.acquire(request, NOW)).toMatchObject({ reason: "RECORDED" });
    expect(state.acquire({ ...request, job: { fingerprint: "another" } }, NOW)).toMatchObject({
      reason: "NO_LONGER_VALID",
    });
    expect(state.acquire({ ...request, requestId: "new", job: { fingerprint: "another" } }, NOW)).toMatchObject({
      reason: "FINGERPRINT_MISMATCH",
    });
  });
});

describe("G5 repeated conversions", () => {
  it("A repeated conversion that a later one has replaced is refused.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, READER);
    machine.state.convert(lease, EXCLUSIVE, "up", NOW);
    machine.state.convert(lease, READER, "down", NOW);
    expect(machine.state.convert(lease, EXCLUSIVE, "up", NOW)).toMatchObject(REFUSED);
    expect(machine.state.status(NOW).holders).toMatchObject([READER]);
  });

  it("A conversion under the id of a renewal is refused unless the lease already takes that claim.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, READER);
    machine.state.renew(lease, 1_000, "same", NOW);
    expect(machine.state.convert(lease, EXCLUSIVE, "same", NOW)).toMatchObject(REFUSED);
    expect(machine.state.convert(lease, READER, "same", NOW)).toMatchObject({ success: true });
  });
});

describe("G5 ids of lease requests in other calls", () => {
  it("A release request under the id of a lease request still reaches the holder.", () => {
    const machine = new Machine();
    machine.state.release(machine.acquire(NOW, { requestId: "same" }), "release", NOW);
    const lease = machine.acquire(NOW);
    machine.state.requestRelease("same", NOW);
    expect(machine.state.status(NOW).holders).toMatchObject([{ lease, releaseRequested: true }]);
  });

  it("A forced release under the id of a lease request still ends the lease, and its repetition ends none.", () => {
    const machine = new Machine();
    machine.state.release(machine.acquire(NOW, { requestId: "same" }), "release", NOW);
    const lease = machine.acquire(NOW);
    const fence = machine.state.forceRelease("same", NOW);
    expect(fence).toBeGreaterThan(lease);
    expect(machine.state.status(NOW).locked).toBe(false);
    machine.acquire(NOW);
    expect(machine.state.forceRelease("same", NOW)).toBe(fence);
    expect(machine.state.status(NOW).locked).toBe(true);
  });
});
