import { describe, expect, it } from "vitest";
import { type Arrival, BarrierState, MEETINGS_REMEMBERED, type Meeting } from "../../src/core/barrier-state.ts";
import { LIMITS } from "../../src/core/limits.ts";

const NOW = 1_800_000_000_000;

/** One of two who wait for long. */
const arrival = (requestId: string, rest: Partial<Arrival> = {}): Arrival => ({
  parties: 2,
  requestId,
  wait: 60_000,
  waited: 0,
  ...rest,
});

const meetingOf = (generation: number, ...members: string[]): Meeting => ({ generation, why: undefined, members });

describe("a barrier", () => {
  it("is broken at once, for all who had come, by one whose time is up", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("patient", { parties: 3, wait: 10_000 }), NOW);
    barrier.arrive(arrival("hasty", { parties: 3, wait: 100 }), NOW);
    barrier.wake(NOW + 100);
    expect(barrier.takeEffects().answers).toMatchObject([
      { requestId: "hasty", reply: { reason: "TIMEOUT" } },
      { requestId: "patient", reply: { reason: "BROKEN", why: "timeout" } },
    ]);
  });

  it("is not met by one who comes when another's time was up and the timer is late", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("hasty", { wait: 100 }), NOW);
    expect(barrier.arrive(arrival("late"), NOW + 100)).toBeUndefined();
    expect(barrier.takeEffects().answers).toEqual([
      { requestId: "hasty", reply: { success: false, reason: "TIMEOUT" } },
    ]);
    expect(barrier.waiting).toBe(1);
  });

  it("is broken by one whose time is up, and not by one who leaves after that", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("hasty", { parties: 3, wait: 100 }), NOW);
    barrier.arrive(arrival("leaves", { parties: 3 }), NOW);
    barrier.leave("leaves", "aborted", NOW + 100);
    expect(barrier.takeEffects().answers).toMatchObject([
      { requestId: "hasty", reply: { reason: "TIMEOUT" } },
      { requestId: "leaves", reply: { reason: "BROKEN", why: "timeout" } },
    ]);
  });

  it("tells each of two whose time is up at once one thing, and breaks once", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("one", { parties: 3, wait: 100 }), NOW);
    barrier.arrive(arrival("other", { parties: 3, wait: 100 }), NOW);
    barrier.wake(NOW + 100);
    const { answers, meeting } = barrier.takeEffects();
    expect(answers.map(({ requestId }) => requestId)).toEqual(["one", "other"]);
    expect(meeting?.members).toEqual(["one", "other"]);
  });

  it("is not broken by a stranger who leaves", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("here"), NOW);
    barrier.leave("stranger", "aborted", NOW);
    expect([barrier.waiting, barrier.takeEffects().meeting]).toEqual([1, undefined]);
  });

  it("is not broken by the end of a call that was answered, and takes its party back", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("patient"), NOW);
    barrier.wake(NOW + LIMITS.slice);
    expect(barrier.takeEffects().answers).toMatchObject([{ requestId: "patient", reply: { reason: "WAITING" } }]);
    barrier.drop("patient", NOW + LIMITS.slice);
    expect(barrier.waiting).toBe(1);
    const back = arrival("patient", { wait: 60_000 - LIMITS.slice, waited: LIMITS.slice });
    expect(barrier.arrive(back, NOW + LIMITS.slice + 1)).toBeUndefined();
    expect(barrier.arrive(arrival("last"), NOW + LIMITS.slice + 2)).toMatchObject({ success: true, index: 1 });
  });

  it("tells one whose wait ends with the slice that its time is up, and not to ask again", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("one", { wait: LIMITS.slice }), NOW);
    barrier.wake(NOW + LIMITS.slice);
    expect(barrier.takeEffects().answers).toMatchObject([{ reply: { reason: "TIMEOUT" } }]);
  });

  it("counts from when a party first came, and not from when it came back", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("first", { parties: 3 }), NOW);
    barrier.arrive(arrival("second", { parties: 3 }), NOW + 10);
    barrier.arrive(arrival("first", { parties: 3 }), NOW + 20);
    expect(barrier.arrive(arrival("third", { parties: 3 }), NOW + 30)).toMatchObject({ index: 2 });
    expect(barrier.takeEffects().meeting?.members).toEqual(["first", "second", "third"]);
  });

  it("believes one who waited before the object was restarted that it came earlier", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("second"), NOW + 100);
    expect(barrier.arrive(arrival("first", { waited: 150 }), NOW + 200)).toMatchObject({ index: 0 });
    expect(barrier.takeEffects().answers).toMatchObject([{ requestId: "second", reply: { index: 1 } }]);
  });

  it("G2 generations grow beyond all that are stored, in whatever order those are read", () => {
    const stored = [meetingOf(NOW * 2_000, "b"), meetingOf(NOW * 3_000, "c"), meetingOf(NOW * 1_500, "a")];
    const barrier = new BarrierState(stored);
    barrier.arrive(arrival("one"), NOW);
    expect(barrier.arrive(arrival("other"), NOW)).toMatchObject({ generation: NOW * 3_000 + 1 });
  });

  it("G9 remembers the latest meetings and no more", () => {
    const barrier = new BarrierState([]);
    for (let n = 0; n <= MEETINGS_REMEMBERED; n += 1) {
      barrier.arrive(arrival(`one-${n}`), NOW + n);
      barrier.arrive(arrival(`other-${n}`), NOW + n);
    }
    expect(barrier.arrive(arrival("other-1"), NOW + 100)).toMatchObject({ success: true, index: 1 });
    expect(barrier.arrive(arrival("other-0"), NOW + 100)).toBeUndefined();
  });

  it("forgets meetings whose rows are wiped, and numbers on", () => {
    const barrier = new BarrierState([meetingOf(NOW * 2_000, "one", "other")]);
    barrier.forget();
    expect(barrier.arrive(arrival("one"), NOW)).toBeUndefined();
    expect(barrier.arrive(arrival("other"), NOW)).toMatchObject({ generation: NOW * 2_000 + 1 });
  });
});
