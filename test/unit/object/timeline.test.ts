import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { Timeline } from "../../../src/object/timeline.ts";
import { EXCLUSIVE, Machine, NOW, ONE_OF_TWO, PLAIN, READER } from "../core/machine.ts";

describe("the timeline", () => {
  const followed = () => {
    const [machine, timeline] = [new Machine(), new Timeline()];
    timeline.follow(NOW);
    const after = (now: number) => {
      const before = timeline.revision;
      machine.write();
      timeline.record(machine.events.splice(0), now);
      return timeline.revision !== before;
    };
    const told = () => timeline.entries.map(({ what }) => what);
    return { machine, timeline, after, told };
  };

  it("has a revision of its own for each instance, and another with each change that status shows", () => {
    const { machine, timeline, after } = followed();
    expect(timeline.revision).not.toBe(followed().timeline.revision);
    expect(after(NOW)).toBe(false);
    const lease = machine.acquire(NOW, { ttl: 5_000, lockDelay: 60_000 });
    expect([after(NOW), after(NOW)]).toEqual([true, false]);
    const changes = [
      () => machine.state.renew(lease, 6_000, "renew", NOW),
      () => machine.state.requestRelease("ask", NOW),
      () => machine.state.convert(lease, READER, "convert", NOW),
      () => machine.state.convert(lease, ONE_OF_TWO, "convert again", NOW),
      () => machine.state.enqueue({ ...PLAIN, ...EXCLUSIVE, lockDelay: 0, wait: 90_000, requestId: "waiter" }, NOW),
    ];
    for (const change of changes) {
      change();
      expect([after(NOW), after(NOW)]).toEqual([true, false]);
    }
    machine.state.wake(NOW + 6_000);
    expect(after(NOW + 6_000)).toBe(true);
    machine.state.drop("waiter", NOW + 6_000);
    expect(after(NOW + 6_000)).toBe(true);
  });

  it("tells of grants and ends in their order, with owner and time", () => {
    const { machine, timeline, after } = followed();
    const first = machine.acquire(NOW, { owner: "me" });
    after(NOW);
    machine.state.release(first, "release", NOW + 10);
    after(NOW + 10);
    const second = machine.acquire(NOW + 20);
    after(NOW + 20);
    machine.state.wake(NOW + 5_000);
    after(NOW + 5_000);
    expect(timeline.entries).toEqual([
      { at: NOW, lease: first, owner: "me", what: "granted" },
      { at: NOW + 10, lease: first, owner: "me", what: "released" },
      { at: NOW + 20, lease: second, what: "granted" },
      { at: NOW + 1_020, lease: second, what: "expired" },
    ]);
  });

  it("tells which ended by force, and which because its holder was gone", () => {
    const { machine, timeline, after, told } = followed();
    machine.acquire(NOW, { ttl: 60_000 });
    after(NOW);
    machine.forceRelease(NOW);
    after(NOW);
    const [gone, stays] = [machine.acquire(NOW, { ...READER, ttl: 60_000 }), machine.acquire(NOW, READER)];
    after(NOW);
    machine.state.expire(gone, NOW + 1);
    after(NOW + 1);
    expect(told()).toEqual(["granted", "superseded", "granted", "granted", "expired"]);
    expect(timeline.entries.at(-1)).toMatchObject({ lease: gone, at: NOW + 1 });
    machine.state.release(stays, "release", NOW + 2);
    after(NOW + 2);
    expect(told().at(-1)).toBe("released");
  });

  it("tells two ends of one instant apart", () => {
    const { machine, timeline, after } = followed();
    const [gone, released] = [0, 1].map(() => machine.acquire(NOW, { ...READER, ttl: 60_000 })) as [number, number];
    after(NOW);
    machine.state.expire(gone, NOW + 1);
    machine.state.release(released, "release", NOW + 1);
    after(NOW + 1);
    expect(timeline.entries.slice(-2)).toMatchObject([
      { lease: gone, what: "expired" },
      { lease: released, what: "released" },
    ]);
  });

  it("tells a follower that goes on what its own call has brought about", () => {
    const { machine, timeline, after, told } = followed();
    machine.acquire(NOW);
    after(NOW);
    machine.state.wake(NOW + 2_000);
    after(NOW + 2_000);
    timeline.follow(NOW + 2_000);
    expect(told()).toEqual(["granted", "expired"]);
  });

  it("keeps the latest fifty", () => {
    const { machine, timeline, after } = followed();
    for (let n = 0; n < 30; n += 1) {
      const lease = machine.acquire(NOW, { owner: `owner ${n}` });
      after(NOW);
      machine.state.release(lease, "release", NOW);
      after(NOW);
    }
    expect(timeline.entries).toHaveLength(50);
    expect(timeline.entries[0]).toMatchObject({ owner: "owner 5", what: "granted" });
  });

  it("records events while somebody follows or may come back, and nothing but a change after that", () => {
    const { machine, timeline, after, told } = followed();
    const away = NOW + LIMITS.longPoll + 5_000;
    const first = machine.acquire(NOW, { ttl: 600_000 });
    expect(after(away)).toBe(true);
    machine.state.release(first, "release", away + 1);
    machine.acquire(away + 1, { ttl: 600_000 });
    expect(after(away + 1)).toBe(true);
    after(away + 2);
    timeline.follow(away + 2);
    expect(told()).toEqual(["granted"]);
    machine.forceRelease(away + 3);
    expect(after(away + 3)).toBe(true);
    expect(told()).toEqual(["granted", "superseded"]);
  });

  it("tells a follower that comes back at the last moment what ended in it", () => {
    const { machine, timeline, after, told } = followed();
    machine.acquire(NOW, { ttl: LIMITS.longPoll + 5_000 });
    expect(after(NOW)).toBe(true);
    machine.state.wake(NOW + LIMITS.longPoll + 5_000);
    after(NOW + LIMITS.longPoll + 5_000);
    timeline.follow(NOW + LIMITS.longPoll + 5_000);
    expect(told()).toEqual(["granted", "expired"]);
  });

  it("is a copy: who changes it changes nothing", () => {
    const { machine, timeline, after } = followed();
    machine.acquire(NOW);
    after(NOW);
    timeline.entries.pop();
    expect(timeline.entries).toHaveLength(1);
  });
});
