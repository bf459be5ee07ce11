import { afterEach, describe, expect, it, vi } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { Tie } from "../../src/object/bond.ts";
import { Parking } from "../../src/object/parking.ts";
import { Ties } from "../../src/object/ties.ts";
import { Timeline } from "../../src/object/timeline.ts";
import { WakeTimer } from "../../src/object/wake-timer.ts";
import { Watchers } from "../../src/object/watchers.ts";
import { EXCLUSIVE, Machine, NOW, ONE_OF_TWO, PLAIN, READER } from "../core/machine.ts";

afterEach(() => {
  // In this order: the spy is on a timer of the fake clock.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** What a promise has come to by now. */
const settled = <T>(promise: Promise<T>) => Promise.race([promise, Promise.resolve("parked" as const)]);

describe("calls that are parked", () => {
  it("all get the answer to their request, and those of others don't", async () => {
    const parking = new Parking<string>("left");
    const [first, second, other] = [parking.park("a"), parking.park("a"), parking.park("b")];
    parking.answer("a", "yours");
    expect(await Promise.all([first.reply, second.reply, settled(other.reply)])).toEqual(["yours", "yours", "parked"]);
    parking.answer("stranger", "nobody's");
    expect([parking.leave(first), parking.leave(second)]).toEqual([false, false]);
  });

  it("leave one by one, and the last of a request takes it along", async () => {
    const parking = new Parking<string>("left");
    const [first, second] = [parking.park("a"), parking.park("a")];
    expect(parking.leave(first)).toBe(false);
    expect(await first.reply).toBe("left");
    expect(parking.leave(first)).toBe(false);
    expect(await settled(second.reply)).toBe("parked");
    expect(parking.leave(second)).toBe(true);
    expect(parking.leave(second)).toBe(false);
  });

  it("G9 are a hundred of a request at most", () => {
    const parking = new Parking<string>("left");
    for (let n = 0; n < 99; n += 1) parking.park("a");
    expect([parking.isFull("a"), parking.isFull("b")]).toEqual([false, false]);
    parking.park("a");
    expect([parking.isFull("a"), parking.isFull("b")]).toEqual([true, false]);
  });
});

describe("the ties of leases", () => {
  const live = () => true;

  it("hold a lease until the last is gone", () => {
    const ties = new Ties();
    const [one, other] = [new Tie(() => {}), new Tie(() => {})];
    ties.add(1, one, live);
    ties.add(1, other, live);
    ties.remove(1, one);
    ties.remove(1, one);
    ties.remove(2, other);
    expect(ties.has(1)).toBe(true);
    ties.remove(1, other);
    expect(ties.has(1)).toBe(false);
  });

  it("G9 are a hundred of a lease at most, and the first is lost", () => {
    const ties = new Ties();
    const all = Array.from({ length: 101 }, () => new Tie(() => {}));
    for (const tie of all.slice(0, 100)) ties.add(1, tie, live);
    for (const tie of all.slice(1, 100)) ties.remove(1, tie);
    expect(ties.has(1)).toBe(true);
    for (const tie of all.slice(1, 101)) ties.add(1, tie, live);
    for (const tie of all.slice(1, 101)) ties.remove(1, tie);
    expect(ties.has(1)).toBe(false);
  });

  it("G9 are dropped with their leases, once there are more than can live", () => {
    const ties = new Ties();
    for (let lease = 1; lease <= LIMITS.maxLeases; lease += 1) ties.add(lease, new Tie(() => {}), () => false);
    expect(ties.has(1)).toBe(true);
    ties.add(LIMITS.maxLeases + 1, new Tie(() => {}), (lease) => lease > LIMITS.maxLeases);
    expect([ties.has(1), ties.has(LIMITS.maxLeases), ties.has(LIMITS.maxLeases + 1)]).toEqual([false, false, true]);
  });
});

describe("watchers", () => {
  it("are told what they wait for, or at their time that it has not come, and are gone then", async () => {
    const watchers = new Watchers();
    let news: string | undefined;
    const [patient, hasty] = [watchers.watch(() => news, 100), watchers.watch(() => news, 50)];
    expect([watchers.size, watchers.nextDue()]).toEqual([2, 50]);
    watchers.check(49);
    expect([await settled(patient), await settled(hasty)]).toEqual(["parked", "parked"]);
    watchers.check(50);
    expect([await settled(patient), await settled(hasty)]).toEqual(["parked", undefined]);
    news = "news";
    watchers.check(51);
    expect(await settled(patient)).toBe("news");
    expect([watchers.size, watchers.nextDue()]).toEqual([0, Infinity]);
  });

  it("without a time wait for ever", async () => {
    const watchers = new Watchers();
    const watching = watchers.watch(() => undefined);
    watchers.check(Number.MAX_SAFE_INTEGER);
    expect([await settled(watching), watchers.size]).toEqual(["parked", 1]);
  });
});

describe("the wake timer", () => {
  it("wakes once when it is due, and is set anew for another time only", () => {
    vi.useFakeTimers();
    const wake = vi.fn();
    const timer = new WakeTimer(wake);
    const set = vi.spyOn(globalThis, "setTimeout");
    timer.set(1_000.5, 0);
    timer.set(1_000.5, 500);
    expect(set.mock.calls.map(([, ms]) => ms)).toEqual([1_001]);
    vi.advanceTimersByTime(1_000);
    expect(wake).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(wake).toHaveBeenCalledOnce();
    timer.set(1_000.5, 2_000);
    expect(set.mock.calls.at(-1)?.[1]).toBe(0);
    timer.set(undefined, 2_000);
    expect(vi.getTimerCount()).toBe(0);
    timer.set(3_000, 2_000);
    timer.set(4_000, 2_000);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(2_000);
    expect(wake).toHaveBeenCalledTimes(2);
  });
});

describe("the timeline", () => {
  const followed = () => {
    const [machine, timeline] = [new Machine(), new Timeline()];
    timeline.follow(machine.state, NOW);
    const after = (now: number) => {
      const before = timeline.revision;
      timeline.note(machine.state, now);
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
    timeline.cut(gone, NOW + 1);
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
    timeline.cut(gone, NOW + 1);
    machine.state.expire(gone, NOW + 1);
    machine.state.release(released, "release", NOW + 1);
    after(NOW + 1);
    expect(timeline.entries.slice(-2)).toMatchObject([
      { lease: gone, what: "expired" },
      { lease: released, what: "released" },
    ]);
  });

  it("tells whoever follows on of what its own call has brought about", () => {
    const { machine, timeline, after, told } = followed();
    machine.acquire(NOW);
    after(NOW);
    machine.state.wake(NOW + 2_000);
    timeline.follow(machine.state, NOW + 2_000);
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

  it("takes notes while somebody follows or may come back, and begins anew after that", () => {
    const { machine, timeline, after, told } = followed();
    const away = NOW + LIMITS.slice + 5_000;
    const first = machine.acquire(NOW, { ttl: 600_000 });
    expect(after(away)).toBe(true);
    machine.state.release(first, "release", away + 1);
    machine.acquire(away + 1, { ttl: 600_000 });
    expect(after(away + 1)).toBe(false);
    timeline.follow(machine.state, away + 2);
    expect(told()).toEqual(["granted"]);
    machine.forceRelease(away + 3);
    expect(after(away + 3)).toBe(true);
    expect(told()).toEqual(["granted", "superseded"]);
  });

  it("is a copy: who changes it changes nothing", () => {
    const { machine, timeline, after } = followed();
    machine.acquire(NOW);
    after(NOW);
    timeline.entries.pop();
    expect(timeline.entries).toHaveLength(1);
  });
});
