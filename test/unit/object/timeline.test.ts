import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { Timeline } from "../../../src/object/timeline.ts";
import { EXCLUSIVE, Machine, NOW, ONE_OF_TWO, PLAIN, READER } from "../core/machine.ts";

describe("Timeline", () => {
  const followed = () => {
    const [machine, timeline] = [new Machine(), new Timeline()];
    timeline.follow(NOW);
    const after = (now: number) => {
      const before = timeline.revision;
      machine.write();
      timeline.record(machine.events.splice(0), now);
      return timeline.revision !== before;
    };
    const kinds = () => timeline.entries.map(({ what }) => what);
    return { machine, timeline, after, kinds };
  };

  it("The timeline has its own revision per instance, and a new one with each change that the status shows.", () => {
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

  it("The timeline lists grants and ends in their order, with owner and time.", () => {
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

  it("The timeline tells a forced end from the end of a lease whose holder was gone.", () => {
    const { machine, timeline, after, kinds } = followed();
    machine.acquire(NOW, { ttl: 60_000 });
    after(NOW);
    machine.forceRelease(NOW);
    after(NOW);
    const [gone, stays] = [machine.acquire(NOW, { ...READER, ttl: 60_000 }), machine.acquire(NOW, READER)];
    after(NOW);
    machine.state.expire(gone, NOW + 1);
    after(NOW + 1);
    expect(kinds()).toEqual(["granted", "superseded", "granted", "granted", "expired"]);
    expect(timeline.entries.at(-1)).toMatchObject({ lease: gone, at: NOW + 1 });
    machine.state.release(stays, "release", NOW + 2);
    after(NOW + 2);
    expect(kinds().at(-1)).toBe("released");
  });

  it("The timeline tells two ends at one instant apart.", () => {
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

  it("The timeline shows a follower that goes on what its own call has caused.", () => {
    const { machine, timeline, after, kinds } = followed();
    machine.acquire(NOW);
    after(NOW);
    machine.state.wake(NOW + 2_000);
    after(NOW + 2_000);
    timeline.follow(NOW + 2_000);
    expect(kinds()).toEqual(["granted", "expired"]);
  });

  it("The timeline keeps the latest fifty entries.", () => {
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

  it("The timeline records events while a follower may come back, and after that only notes a change.", () => {
    const { machine, timeline, after, kinds } = followed();
    const away = NOW + LIMITS.longPoll + 5_000;
    const first = machine.acquire(NOW, { ttl: 600_000 });
    expect(after(away)).toBe(true);
    machine.state.release(first, "release", away + 1);
    machine.acquire(away + 1, { ttl: 600_000 });
    expect(after(away + 1)).toBe(true);
    after(away + 2);
    timeline.follow(away + 2);
    expect(kinds()).toEqual(["granted"]);
    machine.forceRelease(away + 3);
    expect(after(away + 3)).toBe(true);
    expect(kinds()).toEqual(["granted", "superseded"]);
  });

  it("The timeline shows a follower that comes back at the last moment what ended then.", () => {
    const { machine, timeline, after, kinds } = followed();
    machine.acquire(NOW, { ttl: LIMITS.longPoll + 5_000 });
    expect(after(NOW)).toBe(true);
    machine.state.wake(NOW + LIMITS.longPoll + 5_000);
    after(NOW + LIMITS.longPoll + 5_000);
    timeline.follow(NOW + LIMITS.longPoll + 5_000);
    expect(kinds()).toEqual(["granted", "expired"]);
  });

  it("The entries of the timeline are a copy: a caller that changes them changes nothing.", () => {
    const { machine, timeline, after } = followed();
    machine.acquire(NOW);
    after(NOW);
    timeline.entries.pop();
    expect(timeline.entries).toHaveLength(1);
  });
});
