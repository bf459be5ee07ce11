import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { type Generation, BarrierState } from "../../../src/core/rendezvous/barrier-state.ts";
import type { ArriveReply } from "../../../src/core/rendezvous/rendezvous-replies.ts";

interface Party {
  requestId: string;
  arrivedAt: number;
  /** Whether it believes to wait; a reply that is lost leaves it so. */
  waits: boolean;
  reply: ArriveReply | undefined;
}

/** Longer than two long polls, so that parties are told to ask again and are on their way back. */
const WAIT = 60_000;

/** A barrier with its disk and its parties, and an account of what each was told. */
class World {
  readonly #disk: Generation[] = [];
  readonly parties: Party[] = [];
  readonly #size: number;
  #now = 1_800_000_000_000;
  #state = new BarrierState([]);
  /** Those that this instance of the object knows and that have not been answered, in the order of their arrival. */
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
    // It asks because it waits: this call is not sent if the answer came first.
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

  /** Its connection is gone. */
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

  /** Nobody was told two things; who met did so in full, each once; generations grow. */
  check(): void {
    const met = new Map<number, number[]>();
    for (const { reply } of this.parties)
      if (reply?.success) met.set(reply.generation, [...(met.get(reply.generation) ?? []), reply.index]);
    for (const [generation, indexes] of met) {
      const meeting = this.#disk.find((one) => one.generation === generation);
      if (!meeting || meeting.why !== undefined) throw new Error("told of a meeting that is not on disk");
      if (meeting.members.length !== this.#size) throw new Error("met without all");
      if (new Set(indexes).size !== indexes.length) throw new Error("two with the same index");
    }
    this.#disk.reduce((before, { generation }) => {
      if (generation <= before) throw new Error("generations do not grow");
      return generation;
    }, 0);
    const seen = this.#disk.flatMap(({ members }) => members);
    if (new Set(seen).size !== seen.length) throw new Error("one arrival in two meetings");
  }

  /** Once all who live are here, fewer wait than are to meet: with one more they would go on. */
  checkNoneIsStuck(): void {
    for (const party of this.parties.filter(({ waits }) => waits)) this.ask(party, false);
    // A party that died on its way back is found dead by now.
    this.tick(LIMITS.returnWithin);
    const stuck = this.parties.filter(({ waits }) => waits).map(({ requestId }) => requestId);
    if (stuck.length >= this.#size) throw new Error(`${stuck.join(", ")} wait at a barrier of ${this.#size}`);
  }

  #apply(lost: boolean): void {
    const { meetings, answers } = this.#state.takeEffects();
    for (const meeting of meetings) this.#end(structuredClone(meeting));
    for (const { requestId, reply } of answers) {
      const party = this.parties.find((one) => one.requestId === requestId);
      if (party && !lost) this.#told(party, reply);
    }
  }

  /** A generation is the first who came, or the first after other generations that are complete. */
  #end(meeting: Generation): void {
    this.#disk.push(meeting);
    const first = this.#present.findIndex(({ requestId }) => requestId === meeting.members[0]);
    const members = this.#present.splice(first, this.#size).map(({ requestId }) => requestId);
    if (first % this.#size !== 0 || members.join() !== meeting.members.join())
      throw new Error(`${meeting.members.join(", ")} ended together, and not ${members.join(", ")} in their order`);
  }

  #told(party: Party, reply: ArriveReply): void {
    if (!reply.success && reply.reason === "WAITING") return;
    if (party.reply && JSON.stringify(party.reply) !== JSON.stringify(reply)) throw new Error("told two things");
    party.reply = reply;
    party.waits = false;
  }
}

/** What may happen at a barrier; `ticks` is how far time may go at once. */
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

describe("random interleavings at a barrier", () => {
  it("let nobody meet without all, nobody twice, and tell everybody one thing, over lost replies and restarts", () => {
    const steps = fc.array(stepsOf(fc.nat(8_000)), { maxLength: 40 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), steps, (size, moves) => void play(size, moves)),
      { numRuns: 3_000 },
    );
  });

  it("let the first who came meet and leave nobody stuck, though more come than meet and polls end meanwhile", () => {
    // Polls end after 25 s, and a party is dead that is not back 2 s later.
    const ticks = fc.constantFrom(100, 1_000, 1_900, 2_000, 24_900, LIMITS.longPoll, LIMITS.longPoll + 100);
    const steps = fc.array(stepsOf(ticks), { maxLength: 40 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), steps, (size, moves) => play(size, moves).checkNoneIsStuck()),
      { numRuns: 5_000 },
    );
  });
});

describe("one whose slice ended and who is not back yet", () => {
  const arrival = { parties: 2, wait: 60_000, waited: 0 };
  const begin = () => {
    const state = new BarrierState([]);
    state.arrive({ ...arrival, requestId: "away" }, 0);
    state.wake(25_000);
    expect(state.takeEffects().answers).toEqual([{ requestId: "away", reply: { success: false, reason: "WAITING" } }]);
    expect(state.arrive({ ...arrival, requestId: "here" }, 25_500)).toBe(undefined);
    return state;
  };

  it("is not met without: it may be dead", () => {
    const state = begin();
    state.wake(27_000);
    const reply = { success: false, reason: "BROKEN", why: "died" };
    expect(state.takeEffects().answers).toEqual([{ requestId: "here", reply }]);
  });

  it("is met when it is back in time", () => {
    const state = begin();
    expect(state.arrive({ ...arrival, requestId: "away", waited: 26_000 }, 26_000)).toMatchObject({
      success: true,
      index: 0,
    });
  });

  it("meets whom it came with, and a third who came meanwhile begins the next generation", () => {
    const state = begin();
    expect(state.arrive({ ...arrival, requestId: "third" }, 25_600)).toBe(undefined);
    expect(state.arrive({ ...arrival, requestId: "away", waited: 25_700 }, 25_700)).toMatchObject({ index: 0 });
    expect(state.takeEffects().answers).toMatchObject([{ requestId: "here", reply: { success: true, index: 1 } }]);
    expect(state.waiting).toBe(1);
    expect(state.arrive({ ...arrival, requestId: "fourth" }, 26_000)).toMatchObject({ success: true, index: 1 });
  });

  it("does not keep two who came later from meeting", () => {
    const state = begin();
    state.arrive({ ...arrival, requestId: "third" }, 25_600);
    expect(state.arrive({ ...arrival, requestId: "fourth" }, 25_600)).toMatchObject({ success: true, index: 1 });
    expect(state.waiting).toBe(2);
  });

  it("breaks its own generation if it is dead, and not the next", () => {
    const state = begin();
    state.arrive({ ...arrival, requestId: "third" }, 25_600);
    state.wake(27_000);
    const reply = { success: false, reason: "BROKEN", why: "died" };
    expect(state.takeEffects().answers).toEqual([{ requestId: "here", reply }]);
    expect(state.arrive({ ...arrival, requestId: "fourth" }, 27_100)).toMatchObject({ success: true, index: 1 });
  });

  it("finds the answer that it has earned, though many others met meanwhile", () => {
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
