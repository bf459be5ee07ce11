import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../../src/core/limits.ts";
import {
  type Arrival,
  type Generation,
  ARRIVALS_REMEMBERED,
  BarrierState,
  GENERATIONS_REMEMBERED,
} from "../../../../src/core/rendezvous/barrier-state.ts";

const NOW = 1_800_000_000_000;

/** One of two parties with a long wait. */
const arrival = (requestId: string, rest: Partial<Arrival> = {}): Arrival => ({
  parties: 2,
  requestId,
  wait: 60_000,
  waited: 0,
  ...rest,
});

const generationOf = (generation: number, ...members: string[]): Generation => ({
  generation,
  why: undefined,
  members,
});

describe("Barrier state", () => {
  it("A barrier breaks at once for all who have arrived when the time of one party is up.", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("patient", { parties: 3, wait: 10_000 }), NOW);
    barrier.arrive(arrival("hasty", { parties: 3, wait: 100 }), NOW);
    barrier.wake(NOW + 100);
    expect(barrier.takeEffects().answers).toMatchObject([
      { requestId: "hasty", reply: { reason: "TIMEOUT" } },
      { requestId: "patient", reply: { reason: "BROKEN", why: "timeout" } },
    ]);
  });

  it("A party that arrives after another's time is up completes no generation, even if the timer is late.", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("hasty", { wait: 100 }), NOW);
    expect(barrier.arrive(arrival("late"), NOW + 100)).toBeUndefined();
    expect(barrier.takeEffects().answers).toEqual([
      { requestId: "hasty", reply: { success: false, reason: "TIMEOUT" } },
    ]);
    expect(barrier.waiting).toBe(1);
  });

  it("A timeout breaks the barrier, and a party that leaves after it does not change the reason.", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("hasty", { parties: 3, wait: 100 }), NOW);
    barrier.arrive(arrival("leaves", { parties: 3 }), NOW);
    barrier.leave("leaves", "aborted", NOW + 100);
    expect(barrier.takeEffects().answers).toMatchObject([
      { requestId: "hasty", reply: { reason: "TIMEOUT" } },
      { requestId: "leaves", reply: { reason: "BROKEN", why: "timeout" } },
    ]);
  });

  it("Two parties whose time is up at once get one answer each, and the barrier breaks once.", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("one", { parties: 3, wait: 100 }), NOW);
    barrier.arrive(arrival("other", { parties: 3, wait: 100 }), NOW);
    barrier.wake(NOW + 100);
    const { answers, generations: meetings } = barrier.takeEffects();
    expect(answers.map(({ requestId }) => requestId)).toEqual(["one", "other"]);
    expect(meetings.map(({ members }) => members)).toEqual([["one", "other"]]);
  });

  it("A barrier does not break when a stranger leaves.", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("here"), NOW);
    barrier.leave("stranger", "aborted", NOW);
    expect([barrier.waiting, barrier.takeEffects().generations]).toEqual([1, []]);
  });

  it("A barrier does not break at the end of a call that was answered, and takes its party back.", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("patient"), NOW);
    barrier.wake(NOW + LIMITS.longPoll);
    expect(barrier.takeEffects().answers).toMatchObject([{ requestId: "patient", reply: { reason: "WAITING" } }]);
    barrier.drop("patient", NOW + LIMITS.longPoll);
    expect(barrier.waiting).toBe(1);
    const back = arrival("patient", { wait: 60_000 - LIMITS.longPoll, waited: LIMITS.longPoll });
    expect(barrier.arrive(back, NOW + LIMITS.longPoll + 1)).toBeUndefined();
    expect(barrier.arrive(arrival("last"), NOW + LIMITS.longPoll + 2)).toMatchObject({ success: true, index: 1 });
  });

  it("A party whose wait ends with its long poll learns that its time is up, and is not told to ask again.", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("one", { wait: LIMITS.longPoll }), NOW);
    barrier.wake(NOW + LIMITS.longPoll);
    expect(barrier.takeEffects().answers).toMatchObject([{ reply: { reason: "TIMEOUT" } }]);
  });

  it("The order of a barrier counts from when a party first arrives, and not from when it returns.", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("first", { parties: 3 }), NOW);
    barrier.arrive(arrival("second", { parties: 3 }), NOW + 10);
    barrier.arrive(arrival("first", { parties: 3 }), NOW + 20);
    expect(barrier.arrive(arrival("third", { parties: 3 }), NOW + 30)).toMatchObject({ index: 2 });
    expect(barrier.takeEffects().generations).toMatchObject([{ members: ["first", "second", "third"] }]);
  });

  it("A party that waited before a restart counts as having arrived earlier.", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("second"), NOW + 100);
    expect(barrier.arrive(arrival("first", { waited: 150 }), NOW + 200)).toMatchObject({ index: 0 });
    expect(barrier.takeEffects().answers).toMatchObject([{ requestId: "second", reply: { index: 1 } }]);
  });

  it("G2 The generations of a barrier grow beyond all stored ones, in whatever order those are read.", () => {
    const stored = [generationOf(NOW * 2_000, "b"), generationOf(NOW * 3_000, "c"), generationOf(NOW * 1_500, "a")];
    const barrier = new BarrierState(stored);
    barrier.arrive(arrival("one"), NOW);
    expect(barrier.arrive(arrival("other"), NOW)).toMatchObject({ generation: NOW * 3_000 + 1 });
  });

  it("A generation that breaks in the same step in which the next one completes is written, as is the next.", () => {
    const barrier = new BarrierState([]);
    barrier.arrive(arrival("away"), NOW);
    barrier.wake(NOW + LIMITS.longPoll);
    barrier.arrive(arrival("here"), NOW + LIMITS.longPoll);
    barrier.arrive(arrival("third"), NOW + LIMITS.longPoll);
    barrier.takeEffects();
    barrier.arrive(arrival("fourth"), NOW + LIMITS.longPoll + LIMITS.returnWithin);
    expect(barrier.takeEffects().generations).toMatchObject([
      { why: "died", members: ["away", "here"] },
      { why: undefined, members: ["third", "fourth"] },
    ]);
  });

  it("G9 A barrier admits as many parties as a lock admits waiters, and refuses one more.", () => {
    const barrier = new BarrierState([]);
    const parties = 1_000;
    const generations = LIMITS.maxWaiters / parties;
    for (let n = 0; n < generations; n += 1) barrier.arrive(arrival(`away ${n}`, { parties }), NOW + n);
    barrier.wake(NOW + LIMITS.longPoll + generations);
    const later = NOW + LIMITS.longPoll + 100;
    // One party of each generation is on its way back, so that no generation completes.
    for (let n = 0; n < generations * parties - generations; n += 1) {
      const waited = later - NOW - Math.floor(n / (parties - 1));
      barrier.arrive(arrival(`party ${n}`, { parties, waited }), later);
    }
    expect(barrier.waiting).toBe(LIMITS.maxWaiters);
    const more = barrier.arrive(arrival("more", { parties: 1_000 }), later);
    expect(more).toEqual({ success: false, reason: "QUEUE_FULL" });
    expect(barrier.arrive(arrival("party 1", { parties: 1_000 }), later)).toBeUndefined();
    expect(barrier.arrive(arrival("away 9", { parties: 1_000 }), later)).toMatchObject({ success: true, index: 0 });
  });

  it("G9 A barrier remembers its latest generations, and as many small ones as a thousand arrivals make.", () => {
    const met = (parties: number, count: number) => {
      const barrier = new BarrierState([]);
      for (let n = 0; n < count * parties; n += 1) barrier.arrive(arrival(`party ${n}`, { parties }), NOW);
      return barrier;
    };
    const large = met(1_000, GENERATIONS_REMEMBERED + 1);
    expect(large.arrive(arrival("party 1000", { parties: 1_000 }), NOW)).toMatchObject({ success: true, index: 0 });
    expect(large.arrive(arrival("party 999", { parties: 1_000 }), NOW)).toBeUndefined();
    const small = met(2, ARRIVALS_REMEMBERED / 2 + 1);
    expect(small.arrive(arrival("party 2"), NOW)).toMatchObject({ success: true, index: 0 });
    expect(small.arrive(arrival("party 1"), NOW)).toBeUndefined();
  });

  it("A barrier forgets generations whose rows are wiped, and its numbers still grow.", () => {
    const barrier = new BarrierState([generationOf(NOW * 2_000, "one", "other")]);
    barrier.forget();
    expect(barrier.arrive(arrival("one"), NOW)).toBeUndefined();
    expect(barrier.arrive(arrival("other"), NOW)).toMatchObject({ generation: NOW * 2_000 + 1 });
  });
});
