import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BarrierState, type Meeting } from "../../src/core/barrier-state.ts";
import type { ArriveReply } from "../../src/core/rendezvous.ts";

interface Party {
  requestId: string;
  /** Whether it believes to wait; a reply that is lost leaves it so. */
  waits: boolean;
  reply: ArriveReply | undefined;
}

/** A barrier with its disk and its parties, and an account of what each was told. */
class World {
  readonly #disk: Meeting[] = [];
  readonly parties: Party[] = [];
  readonly #size: number;
  #now = 1_800_000_000_000;
  #state = new BarrierState([]);

  constructor(size: number) {
    this.#size = size;
  }

  arrive(lost: boolean): void {
    const party = { requestId: `party ${this.parties.length}`, waits: true, reply: undefined };
    this.parties.push(party);
    this.ask(party, lost);
  }

  ask(party: Party, lost: boolean): void {
    const arrival = { parties: this.#size, requestId: party.requestId, wait: 20_000, waited: 0 };
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
    this.#state = new BarrierState(structuredClone(this.#disk.slice(-8)));
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

  #apply(lost: boolean): void {
    const { meeting, answers } = this.#state.takeEffects();
    if (meeting) this.#disk.push(structuredClone(meeting));
    for (const { requestId, reply } of answers) {
      const party = this.parties.find((one) => one.requestId === requestId);
      if (party && !lost) this.#told(party, reply);
    }
  }

  #told(party: Party, reply: ArriveReply): void {
    if (!reply.success && reply.reason === "WAITING") return;
    if (party.reply && JSON.stringify(party.reply) !== JSON.stringify(reply)) throw new Error("told two things");
    party.reply = reply;
    party.waits = false;
  }
}

describe("random interleavings at a barrier", () => {
  it("let nobody meet without all, nobody twice, and tell everybody one thing, over lost replies and restarts", () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant("arrive" as const), lost: fc.boolean() }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant("again" as const), lost: fc.boolean(), who: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), lost: fc.boolean(), who: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("die" as const), who: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("tick" as const), ms: fc.nat(8_000) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 40 }), (size, steps) => {
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
      }),
      { numRuns: 3_000 },
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
});
