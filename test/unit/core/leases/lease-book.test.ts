import { describe, expect, it } from "vitest";
import { NO_RECORDS } from "../../../../src/core/leases/past-records.ts";
import type { Slot } from "../../../../src/core/leases/slots.ts";
import { LIMITS } from "../../../../src/core/limits.ts";
import { LockState } from "../../../../src/core/lock-state.ts";
import { EXCLUSIVE, Machine, NOW, ONE_OF_TWO, PLAIN, READER } from "../machine.ts";

describe("G1 lock-delay", () => {
  it("A lock-delay counts from the lease's own deadline, however late the object notices its end.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { lockDelay: 5_000 });
    expect(machine.acquire(NOW + 5_999)).toBe(0);
    expect(machine.acquire(NOW + 6_000)).toBeGreaterThan(0);
  });

  it("A lease in its lock-delay keeps its slot: a grant beside it takes another, and a restart finds both.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ...ONE_OF_TWO, lockDelay: 5_000 });
    machine.acquire(NOW + 2_000, ONE_OF_TWO);
    expect(machine.disk.size).toBe(2);
    machine.restart(NOW + 2_500);
    expect(machine.state.status(NOW + 2_500)).toMatchObject({ holders: [{ deadline: NOW + 3_000 }] });
    expect(machine.acquire(NOW + 2_500, ONE_OF_TWO)).toBe(0);
    expect(machine.acquire(NOW + 5_999)).toBe(0);
    expect(machine.acquire(NOW + 6_000)).toBeGreaterThan(0);
  });

  it("A lock-delay costs no write of its own: not when it begins, not beside a grant and not when it ends.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ...ONE_OF_TWO, lockDelay: 5_000 });
    machine.state.wake(NOW + 2_000);
    expect(machine.write()).toBe(0);
    machine.state.acquire({ ...PLAIN, ...ONE_OF_TWO, requestId: "beside", lockDelay: 0 }, NOW + 2_000);
    expect(machine.write()).toBe(1);
    machine.state.wake(NOW + 6_000);
    expect(machine.write()).toBe(0);
  });

  it("A lock-delay that has ended leaves its slot to be used again.", () => {
    const machine = new Machine();
    for (let round = 0; round < 20; round += 1) {
      const now = NOW + round * 10_000;
      expect(machine.acquire(now, { ...ONE_OF_TWO, lockDelay: 5_000 })).toBeGreaterThan(0);
      expect(machine.acquire(now, { ...ONE_OF_TWO, lockDelay: 5_000 })).toBeGreaterThan(0);
      machine.state.wake(now + 2_000);
    }
    expect(machine.disk.size).toBe(2);
  });

  it("A lock-delay ends at most its own length after a restart, even if the clock stepped back.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { lockDelay: 5_000 });
    // The holder learns that the lease is dead, so the object writes its end.
    machine.state.renew(lease, 1_000, "late", NOW + 2_000);
    machine.write();
    machine.restart(NOW - 60_000);
    expect(machine.state.isLocked(NOW - 60_000)).toBe(false);
    expect(machine.acquire(NOW - 55_001)).toBe(0);
    expect(machine.acquire(NOW - 55_000)).toBeGreaterThan(lease);
  });

  it("The status shows a lock-delay even before the object notices that the lease has expired.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { lockDelay: 5_000 });
    expect(machine.state.status(NOW + 999)).not.toHaveProperty("delayedUntil");
    expect(machine.state.status(NOW + 1_000)).toMatchObject({ locked: false, delayedUntil: NOW + 6_000 });
    expect(machine.state.status(NOW + 6_000)).not.toHaveProperty("delayedUntil");
  });

  it("A lock-delay counts as use of the lock if the lease expired, and not if it was released.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { lockDelay: 5_000 });
    machine.state.release(lease, "release", NOW + 500);
    expect(machine.state.lastUse()).toBe(NOW + 500);
    machine.acquire(NOW + 600, { lockDelay: 5_000 });
    machine.state.wake(NOW + 2_000);
    expect(machine.state.lastUse()).toBe(NOW + 6_600);
  });

  it("G9 A lease in its lock-delay counts towards the limit of leases, so that the number of rows is bounded.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ...READER, lockDelay: 5_000 });
    const { lease, ...slot } = machine.disk.get(0) as Slot;
    for (let index = 1; index < LIMITS.maxLeases; index += 1)
      machine.disk.set(index, { ...slot, index, lease: { ...lease, lease: lease.lease + index } });
    machine.restart(NOW);
    const late = { ...PLAIN, ...READER, requestId: "late", lockDelay: 0 };
    expect(machine.state.acquire(late, NOW + 2_000)).toMatchObject({ reason: "TOO_MANY_LEASES" });
    expect(machine.state.acquire({ ...late, requestId: "later" }, NOW + 6_000)).toMatchObject({ success: true });
  });
});

describe("G1 G3 conversion", () => {
  it("A conversion stores the expiry of older leases, so that no clock that steps back revives one.", () => {
    const machine = new Machine();
    machine.acquire(NOW, READER);
    const lease = machine.acquire(NOW, { ...READER, ttl: 10_000 });
    expect(machine.state.convert(lease, EXCLUSIVE, "upgrade", NOW + 2_000)).toMatchObject({ success: true });
    machine.write();
    machine.restart(NOW + 500);
    expect(machine.state.status(NOW + 500).holders).toMatchObject([{ lease, exclusive: true }]);
  });

  it("A conversion stores the expiry of newer leases, so that no clock that steps back revives one.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { ...READER, ttl: 10_000 });
    machine.acquire(NOW, READER);
    machine.state.convert(lease, EXCLUSIVE, "upgrade", NOW + 2_000);
    machine.write();
    machine.restart(NOW + 500);
    expect(machine.state.status(NOW + 500).holders).toMatchObject([{ lease, exclusive: true }]);
  });

  it("A conversion is refused until the lock-delays beside it have ended.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ...READER, lockDelay: 5_000 });
    const lease = machine.acquire(NOW, { ...READER, ttl: 10_000 });
    expect(machine.state.convert(lease, EXCLUSIVE, "early", NOW + 5_999)).toMatchObject({ reason: "BORROWED" });
    expect(machine.state.convert(lease, EXCLUSIVE, "in time", NOW + 6_000)).toMatchObject({ success: true });
  });
});

describe("forceRelease", () => {
  it("A forced release ends all lock-delays for good: no restart brings one back.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ...ONE_OF_TWO, lockDelay: 60_000 });
    machine.acquire(NOW, { ...ONE_OF_TWO, lockDelay: 60_000 });
    machine.state.wake(NOW + 2_000);
    machine.forceRelease(NOW + 2_000);
    machine.restart(NOW + 2_000);
    expect(machine.state.status(NOW + 2_000)).not.toHaveProperty("delayedUntil");
    expect(machine.acquire(NOW + 2_000)).toBeGreaterThan(0);
  });

  it("A forced release ends a lock-delay for good even if a late renewal has stored that the lease expired.", () => {
    const machine = new Machine();
    const leases = [0, 1].map(() => machine.acquire(NOW, { ...ONE_OF_TWO, lockDelay: 60_000 }));
    for (const lease of leases) machine.state.renew(lease, 1_000, "late", NOW + 2_000);
    machine.write();
    machine.forceRelease(NOW + 2_000);
    machine.restart(NOW + 2_000);
    expect(machine.acquire(NOW + 2_000)).toBeGreaterThan(0);
  });

  it("A forced release leaves the rows of lock-delays to be used again.", () => {
    const machine = new Machine();
    for (let round = 0; round < 3; round += 1) {
      const now = NOW + round * 10_000;
      machine.acquire(now, { ...ONE_OF_TWO, lockDelay: 60_000 });
      machine.acquire(now, { ...ONE_OF_TWO, lockDelay: 60_000 });
      machine.state.wake(now + 2_000);
      machine.forceRelease(now + 2_000);
    }
    expect(machine.disk.size).toBe(2);
  });

  it("A repeated forced release ends no lease that was granted since, even after a restart.", () => {
    const machine = new Machine();
    machine.acquire(NOW);
    const number = machine.state.forceRelease("force", NOW);
    machine.write();
    const next = machine.acquire(NOW);
    machine.restart(NOW);
    expect(machine.state.forceRelease("force", NOW)).toBe(number);
    expect(machine.state.newest(NOW)).toBe(next);
  });
});

describe("G2 the highest lease number", () => {
  it("The highest lease number survives a restart, however the lease ended.", () => {
    const ends: ((machine: Machine, lease: number) => void)[] = [
      ({ state }, lease) => state.release(lease, "release", NOW + 1),
      ({ state }, lease) => state.expire(lease, NOW + 1),
      ({ state }) => state.cancel("request 1", NOW + 1),
      ({ state }) => state.wake(NOW + 2_000),
      (machine) => machine.forceRelease(NOW + 1),
      ({ state }) => state.acquire({ ...PLAIN, steal: true, requestId: "thief", lockDelay: 0 }, NOW + 1),
    ];
    for (const end of ends) {
      const machine = new Machine();
      const lease = machine.acquire(NOW);
      end(machine, lease);
      const highest = Math.max(lease, machine.state.newest(NOW + 1));
      machine.write();
      machine.restart(NOW - 3_600_000);
      const fence = machine.forceRelease(NOW - 3_600_000);
      expect(fence).toBeGreaterThan(highest);
      machine.restart(NOW - 7_200_000);
      expect(machine.acquire(NOW - 7_200_000)).toBeGreaterThan(fence);
    }
  });

  it("The highest lease number survives a clean-up as long as the instance lives.", () => {
    const machine = new Machine();
    const fence = machine.forceRelease(NOW);
    machine.state.forget();
    expect(machine.acquire(NOW - 3_600_000)).toBeGreaterThan(fence);
  });
});

describe("Hand-off", () => {
  it("A hand-off writes one row, even if other rows are free.", () => {
    const machine = new Machine();
    const [first, second] = [machine.acquire(NOW, ONE_OF_TWO), machine.acquire(NOW, ONE_OF_TWO)];
    machine.state.release(first, "release", NOW);
    machine.write();
    machine.state.release(second, "release", NOW);
    machine.state.acquire({ ...PLAIN, ...ONE_OF_TWO, lockDelay: 0, requestId: "next" }, NOW);
    expect(machine.write()).toBe(1);
  });
});

describe("Restart", () => {
  it("A restart writes nothing if the clock has moved on or stands still.", () => {
    const machine = new Machine();
    machine.acquire(NOW);
    machine.restart(NOW);
    expect(machine.write()).toBe(0);
    machine.restart(NOW + 500);
    expect(machine.write()).toBe(0);
  });

  it("Repeated restarts lengthen no lease while the clock steps back and forth.", () => {
    const machine = new Machine();
    machine.acquire(NOW);
    for (const now of [NOW - 60_000, NOW - 59_500]) {
      machine.restart(now);
      machine.write();
    }
    expect(machine.state.status(NOW - 59_500).holders).toMatchObject([{ deadline: NOW - 59_000 }]);
  });

  it("A restart honours one of two rows to which damage gave the same lease number.", () => {
    const machine = new Machine();
    machine.acquire(NOW, READER);
    const [slot] = machine.disk.values();
    if (slot) machine.disk.set(1, { ...structuredClone(slot), index: 1 });
    machine.restart(NOW);
    expect(machine.state.status(NOW).holders).toHaveLength(1);
    machine.write();
    expect([...machine.disk.values()].map(({ end }) => end?.how)).toEqual([undefined, "superseded"]);
  });
});

describe("Clean-up", () => {
  it("A clean-up leaves no row pending that would be written again.", () => {
    const machine = new Machine();
    machine.state.acquire({ ...PLAIN, lockDelay: 0, requestId: "not written yet" }, NOW);
    machine.state.forget();
    expect(machine.write()).toBe(0);
    const released = machine.acquire(NOW);
    machine.state.release(released, "release", NOW);
    machine.write();
    machine.state.forget();
    machine.disk.clear();
    const expired = machine.acquire(NOW);
    expect([...machine.disk.values()].map(({ past }) => past)).toEqual([NO_RECORDS]);
    machine.state.wake(NOW + 2_000);
    machine.state.forget();
    machine.state.renew(expired, 1_000, "late", NOW + 2_000);
    expect(machine.write()).toBe(0);
  });

  it("A lock counts as used until the latest end of all its leases.", () => {
    const machine = new Machine();
    for (const ttl of [5_000, 60_000, 9_000]) machine.acquire(NOW, { ...READER, ttl });
    expect(machine.state.lastUse()).toBe(NOW + 60_000);
  });

  it("A clean-up forgets when the lock was last used.", () => {
    const machine = new Machine();
    machine.acquire(NOW);
    machine.state.forget();
    expect(machine.state.lastUse()).toBeUndefined();
  });

  it("G5 A clean-up forgets what is stored but not what was cancelled: a late duplicate takes nothing.", () => {
    const machine = new Machine();
    machine.state.cancel("taken back", NOW);
    machine.state.forget();
    expect(machine.acquire(NOW, { requestId: "taken back" })).toBe(0);
  });
});

describe("Renewal", () => {
  const renewed = (rounds: number): number => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { ttl: 5_000 });
    for (let n = 0; n < rounds; n += 1) machine.state.renew(lease, 5_000, `renewal ${n}`, NOW);
    const reply = machine.state.renew(lease, 60_000, "renewal 0", NOW);
    return reply.success ? reply.validFor : 0;
  };

  it("G5 A renewal that is repeated after seven others is recognised.", () => {
    expect(renewed(8)).toBe(5_000);
  });

  it("G9 A renewal is forgotten after eight others.", () => {
    expect(renewed(9)).toBe(60_000);
  });
});

describe("requestRelease", () => {
  it("A grant does not mention a release request if there is none.", () => {
    const { state } = new Machine();
    expect(state.acquire({ ...PLAIN, lockDelay: 0, requestId: "a" }, NOW)).not.toHaveProperty("releaseRequested");
  });

  it("G5 A release request repeated after a lost reply does not reach holders that came since.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW);
    machine.state.requestRelease("ask", NOW);
    machine.state.release(lease, "release", NOW);
    machine.acquire(NOW);
    machine.state.requestRelease("ask", NOW);
    expect(machine.state.status(NOW).holders[0]).not.toHaveProperty("releaseRequested");
    machine.state.requestRelease("another", NOW);
    expect(machine.state.status(NOW).holders).toMatchObject([{ releaseRequested: true }]);
  });

  it("A release request writes each holder's row once and survives a restart.", () => {
    const machine = new Machine();
    machine.acquire(NOW, ONE_OF_TWO);
    machine.acquire(NOW, ONE_OF_TWO);
    machine.state.requestRelease("ask", NOW);
    expect(machine.write()).toBe(2);
    machine.state.requestRelease("ask again", NOW);
    expect(machine.write()).toBe(0);
    machine.restart(NOW);
    const asked = machine.state.status(NOW).holders.map(({ releaseRequested }) => releaseRequested);
    expect(asked).toEqual([true, true]);
  });
});

describe("Leases that have ended", () => {
  it("A lease reports how it ended, even if its request is cancelled afterwards.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { requestId: "job" });
    machine.state.cancel("job", NOW + 2_000);
    expect(machine.state.release(lease, "release", NOW + 2_000)).toMatchObject({ ended: "expired" });
  });

  it("A lease ends at its deadline to the millisecond, even before the object notices.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW);
    expect(machine.state.find(lease, NOW + 999)).toMatchObject({ lease });
    expect(machine.state.find(lease, NOW + 1_000)).toBeUndefined();
  });

  it("A released lease reports that it was released, even when its slot has another lease.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW);
    machine.state.release(lease, "release", NOW);
    machine.acquire(NOW);
    expect(machine.state.confirmEnd(lease)).toMatchObject({ ended: "released" });
  });

  it("An unnoticed expiry is reported on a late release, and after a forced one unless its row is reused.", () => {
    const machine = new Machine();
    const [first, second] = [machine.acquire(NOW, ONE_OF_TWO), machine.acquire(NOW, ONE_OF_TWO)];
    expect(machine.state.release(first, "release", NOW + 1_000)).toMatchObject({ ended: "expired" });
    const other = new Machine();
    const leases = [first, second].map(() => other.acquire(NOW, ONE_OF_TWO));
    other.forceRelease(NOW + 1_000);
    // The lease number of the forced release reuses the row of one of them.
    const ends = leases.map((lease) => other.state.confirmEnd(lease).ended);
    expect(new Set(ends)).toEqual(new Set(["expired", "superseded"]));
  });

  it("A lease number that was never granted reports no end.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW);
    expect(machine.state.release(lease + 1, "release", NOW)).not.toHaveProperty("ended");
  });

  it("A lease that is no longer remembered reports that it was superseded.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW);
    expect(machine.state.release(lease - 1, "release", NOW)).toMatchObject({ ended: "superseded" });
  });

  it("A conversion of an unknown lease writes nothing, because it relies on no expiry.", () => {
    const machine = new Machine();
    machine.acquire(NOW, READER);
    machine.state.wake(NOW + 2_000);
    machine.state.convert(1, READER, "convert", NOW + 2_000);
    expect(machine.write()).toBe(0);
  });
});

describe("G1 contradictory rows", () => {
  it("Two rows with one request id are still two leases: the end of one is not the end of the other.", () => {
    const machine = new Machine();
    const first = machine.acquire(NOW, { ...READER, requestId: "same" });
    const second = machine.acquire(NOW, READER);
    const [, slot] = [...machine.disk.values()];
    if (slot) slot.lease.requestId = "same";
    machine.restart(NOW);
    machine.state.release(first, "release", NOW);
    expect(machine.acquire(NOW, { ...READER, requestId: "same" })).toBe(second);
  });

  it("An exclusive row that has expired, to the millisecond, does not displace an older lease.", () => {
    const machine = new Machine();
    const older = machine.acquire(NOW, { ...READER, ttl: 60_000 });
    machine.acquire(NOW, READER);
    const [, newer] = [...machine.disk.values()];
    if (newer) Object.assign(newer.lease, EXCLUSIVE);
    machine.restart(NOW + 1_000);
    expect(machine.state.status(NOW + 1_000).holders).toMatchObject([{ lease: older }]);
  });

  it("Among rows that contradict each other the newest lease stays, in whatever order they are read.", () => {
    const machine = new Machine();
    machine.acquire(NOW, READER);
    const newest = machine.acquire(NOW, READER);
    const [older, newer] = [...machine.disk.values()];
    if (newer) Object.assign(newer.lease, EXCLUSIVE);
    const state = new LockState([newer, older] as Slot[], NOW);
    expect(state.status(NOW).holders).toMatchObject([{ lease: newest, exclusive: true }]);
  });
});
