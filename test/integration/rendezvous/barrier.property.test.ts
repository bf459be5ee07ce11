import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { type Generation, BarrierState } from "../../../src/core/rendezvous/barrier-state.ts";
import type { ArriveReply } from "../../../src/core/rendezvous/rendezvous-replies.ts";

interface Party {
  requestId: string;
  arrivedAt: number;
  /** Whether the party still considers itself waiting; a lost reply does not change that. */
  waits: boolean;
  reply: ArriveReply | undefined;
}

/** Longer than two long polls, so that parties are told to ask again and are at times between two calls. */
const WAIT = 60_000;

/** A barrier with its disk and its parties, and a record of the reply that each party got. */
class World {
  readonly #disk: Generation[] = [];
  readonly parties: Party[] = [];
  readonly #size: number;
  #now = 1_800_000_000_000;
  #state = new BarrierState([]);
  /** The parties that this instance knows and has not answered, in their order of arrival. */
  #present: Party[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  arrive(lost: boolean): void {
    const party = { requestId: `party ${this.parties.length}`, arrivedAt: this.#now, waits: true, reply: undefined };
    this.parties.push(party);
    this.ask(party, lost);
  }

  ask(party: Party, lost: boolean): void {
    const waited = this.#now - party.arrivedAt;
    const arrival = { parties: this.#size, requestId: party.requestId, wait: Math.max(0, WAIT - waited), waited };
    this.#state.wake(this.#now);
    this.#apply(lost);
    // A party calls only while it waits: if the answer came first, it does not send this call.
    if (!party.waits) return;
    const isKnown =
      this.#present.includes(party) || this.#disk.some(({ members }) => members.includes(party.requestId));
    if (!isKnown) {
      this.#present.push(party);
      this.#present.sort((one, other) => one.arrivedAt - other.arrivedAt);
    }
    const reply = this.#state.arrive(arrival, this.#now);
    this.#apply(lost);
    if (reply && !lost) this.#told(party, reply);
  }

  leave(party: Party, lost: boolean): void {
    this.#state.leave(party.requestId, "aborted", this.#now);
    this.#apply(lost);
    party.waits = false;
  }

  /** The party's connection breaks. */
  die(party: Party): void {
    this.#state.drop(party.requestId, this.#now);
    this.#apply(false);
    party.waits = false;
  }

  tick(ms: number): void {
    this.#now += ms;
    this.#state.wake(this.#now);
    this.#apply(false);
  }

  restart(): void {
    this.#state = new BarrierState(structuredClone(this.#disk));
    this.#present = [];
  }

  /** Checks that each party got one result, that generations are complete and without repeats, and that they grow. */
  check(): void {
    const met = new Map<number, number[]>();
    for (const { reply } of this.parties)
      if (reply?.success) met.set(reply.generation, [...(met.get(reply.generation) ?? []), reply.index]);
    for (const [generation, indexes] of met) {
      const stored = this.#disk.find((one) => one.generation === generation);
      if (!stored || stored.why !== undefined)
        throw new Error("a reply names a completed generation that is not on disk");
      if (stored.members.length !== this.#size) throw new Error("a generation completed without all its parties");
      if (new Set(indexes).size !== indexes.length) throw new Error("two with the same index");
    }
    this.#disk.reduce((before, { generation }) => {
      if (generation <= before) throw new Error("generations do not grow");
      return generation;
    }, 0);
    const seen = this.#disk.flatMap(({ members }) => members);
    if (new Set(seen).size !== seen.length) throw new Error("one arrival in two generations");
  }

  /** Checks that, once all living parties have returned, too few are waiting to complete a generation. */
  checkNoneIsStuck(): void {
    for (const party of this.parties.filter(({ waits }) => waits)) this.ask(party, false);
    // By now the object knows that a party which died between two long polls is dead.
    this.tick(LIMITS.returnWithin);
    const stuck = this.parties.filter(({ waits }) => waits).map(({ requestId }) => requestId);
    if (stuck.length >= this.#size) throw new Error(`${stuck.join(", ")} wait at a barrier of ${this.#size}`);
  }

  #apply(lost: boolean): void {
    const { generations: meetings, answers } = this.#state.takeEffects();
    for (const generation of meetings) this.#end(structuredClone(generation));
    for (const { requestId, reply } of answers) {
      const party = this.parties.find((one) => one.requestId === requestId);
      if (party && !lost) this.#told(party, reply);
    }
  }

  /** A generation consists of the earliest parties, or of the earliest after other complete generations. */
  #end(generation: Generation): void {
    this.#disk.push(generation);
    const first = this.#present.findIndex(({ requestId }) => requestId === generation.members[0]);
    const members = this.#present.splice(first, this.#size).map(({ requestId }) => requestId);
    if (first % this.#size !== 0 || members.join() !== generation.members.join())
      throw new Error(`${generation.members.join(", ")} ended together, and not ${members.join(", ")} in their order`);
  }

  #told(party: Party, reply: ArriveReply): void {
    if (!reply.success && reply.reason === "WAITING") return;
    if (party.reply && JSON.stringify(party.reply) !== JSON.stringify(reply))
      throw new Error("one party got two different results");
    party.reply = reply;
    party.waits = false;
  }
}

/** What may happen at a barrier; `ticks` says how far time may move in one step. */
const stepsOf = (ticks: fc.Arbitrary<number>) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("arrive" as const), lost: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("again" as const), lost: fc.boolean(), who: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), lost: fc.boolean(), who: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("die" as const), who: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("tick" as const), ms: ticks }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
  );

type Step = ReturnType<typeof stepsOf> extends fc.Arbitrary<infer T> ? T : never;

function play(size: number, steps: Step[]): World {
  const world = new World(size);
  for (const move of steps) {
    const waiting = world.parties.filter(({ waits }) => waits);
    const who = "who" in move ? waiting[move.who % Math.max(1, waiting.length)] : undefined;
    if (move.do === "arrive") world.arrive(move.lost);
    else if (move.do === "again" && who) world.ask(who, move.lost);
    else if (move.do === "leave" && who) world.leave(who, move.lost);
    else if (move.do === "die" && who) world.die(who);
    else if (move.do === "tick") world.tick(move.ms);
    else if (move.do === "restart") world.restart();
    world.check();
  }
  return world;
}

describe("Random interleavings at a barrier", () => {
  it("No generation completes without all its parties, no party meets twice, and each learns one result.", () => {
    const steps = fc.array(stepsOf(fc.nat(8_000)), { maxLength: 40 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), steps, (size, moves) => void play(size, moves)),
      { numRuns: 3_000 },
    );
  });

  it("The earliest parties meet and none is stuck, even if more arrive than are needed and long polls end.", () => {
    // Long polls end after 25 s, and a party that is not back 2 s later counts as dead.
    const ticks = fc.constantFrom(100, 1_000, 1_900, 2_000, 24_900, LIMITS.longPoll, LIMITS.longPoll + 100);
    const steps = fc.array(stepsOf(ticks), { maxLength: 40 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), steps, (size, moves) => play(size, moves).checkNoneIsStuck()),
      { numRuns: 5_000 },
    );
  });
});

describe("A party between two long polls", () => {
  const arrival = { parties: 2, wait: 60_000, waited: 0 };
  const begin = () => {
    const state = new BarrierState([]);
    state.arrive({ ...arrival, requestId: "away" }, 0);
    state.wake(25_000);
    expect(state.takeEffects().answers).toEqual([{ requestId: "away", reply: { success: false, reason: "WAITING" } }]);
    expect(state.arrive({ ...arrival, requestId: "here" }, 25_500)).toBe(undefined);
    return state;
  };

  it("A generation does not complete without a party that is between two long polls, because it may be dead.", () => {
    const state = begin();
    state.wake(27_000);
    const reply = { success: false, reason: "BROKEN", why: "died" };
    expect(state.takeEffects().answers).toEqual([{ requestId: "here", reply }]);
  });

  it("A party that returns in time from a long poll completes its generation.", () => {
    const state = begin();
    expect(state.arrive({ ...arrival, requestId: "away", waited: 26_000 }, 26_000)).toMatchObject({
      success: true,
      index: 0,
    });
  });

  it("A returning party meets the party that it arrived with, and a third begins the next generation.", () => {
    const state = begin();
    expect(state.arrive({ ...arrival, requestId: "third" }, 25_600)).toBe(undefined);
    expect(state.arrive({ ...arrival, requestId: "away", waited: 25_700 }, 25_700)).toMatchObject({ index: 0 });
    expect(state.takeEffects().answers).toMatchObject([{ requestId: "here", reply: { success: true, index: 1 } }]);
    expect(state.waiting).toBe(1);
    expect(state.arrive({ ...arrival, requestId: "fourth" }, 26_000)).toMatchObject({ success: true, index: 1 });
  });

  it("A party that is between two long polls does not keep two later arrivals from meeting.", () => {
    const state = begin();
    state.arrive({ ...arrival, requestId: "third" }, 25_600);
    expect(state.arrive({ ...arrival, requestId: "fourth" }, 25_600)).toMatchObject({ success: true, index: 1 });
    expect(state.waiting).toBe(2);
  });

  it("A party that dies between two long polls breaks its own generation and not the next.", () => {
    const state = begin();
    state.arrive({ ...arrival, requestId: "third" }, 25_600);
    state.wake(27_000);
    const reply = { success: false, reason: "BROKEN", why: "died" };
    expect(state.takeEffects().answers).toEqual([{ requestId: "here", reply }]);
    expect(state.arrive({ ...arrival, requestId: "fourth" }, 27_100)).toMatchObject({ success: true, index: 1 });
  });

  it("A returning party gets its own result, although many other generations have completed.", () => {
    const state = begin();
    state.leave("here", "aborted", 25_550);
    for (let n = 0; n < 400; n += 1) {
      state.arrive({ ...arrival, requestId: `one ${n}` }, 25_600);
      expect(state.arrive({ ...arrival, requestId: `other ${n}` }, 25_600)).toMatchObject({ success: true });
    }
    const back = state.arrive({ ...arrival, requestId: "away", waited: 25_700 }, 25_700);
    expect(back).toEqual({ success: false, reason: "BROKEN", why: "aborted" });
  });
});
