import { nextLeaseNumber } from "../leases/lease.ts";
import { LIMITS } from "../limits.ts";
import { type ArriveReply, type BarrierBreak, otherNumber } from "./rendezvous-replies.ts";

/** A generation of a barrier that has ended. */
export interface Generation {
  generation: number;
  /** Why it broke; undefined if all parties arrived. */
  why: BarrierBreak | undefined;
  /** The requests of the parties that had arrived, in the order of arrival. */
  members: string[];
}

/** A party's request to pass the barrier. */
export interface Arrival {
  /** How many parties form a generation. */
  parties: number;
  /** Names the arrival: repeating it has no second effect. */
  requestId: string;
  /** How long the party waits at most, in milliseconds. */
  wait: number;
  /** How long the party has waited before this call, in milliseconds. */
  waited: number;
}

interface Party {
  requestId: string;
  arrivedAt: number;
  /** True while its call is parked; false after its long poll has ended, until it polls again. */
  parked: boolean;
  /** If parked: when its call must be answered. Otherwise: when it counts as dead. */
  until: number;
  /** Whether its wait ends at `until`. */
  final: boolean;
}

/** What the host must do after a transition: write the generations that ended, then answer the parked calls. */
export interface BarrierEffects {
  /** The generations that ended. */
  generations: Generation[];
  answers: { requestId: string; reply: ArriveReply }[];
}

/** How many generations are remembered whatever their size: a caller whose reply was lost asks again within seconds. */
export const GENERATIONS_REMEMBERED = 8;

/**
 * Generations of a small barrier end often, so more are remembered while all together have at most this many arrivals.
 */
export const ARRIVALS_REMEMBERED = 1_000;

/**
 * A barrier: parties wait until enough have arrived, and then all continue together. Then the next generation begins.
 *
 * In the order of arrival, the first `parties` arrivals are one generation, the next `parties` arrivals are the next
 * one, and so on. Whether a generation passes is decided here, in one step. A party that dies, gives up or runs out of
 * time breaks only its own generation. Pure: `now` and ids are arguments, and the host takes the effects after each
 * call.
 */
export class BarrierState {
  /** In the order of arrival. */
  readonly #parties: Party[] = [];
  readonly #past: Generation[];
  #size = 0;
  #highest = 0;
  #ended: Generation[] = [];
  #answers: BarrierEffects["answers"] = [];

  constructor(stored: Iterable<Generation>) {
    this.#past = [...stored].sort((one, other) => one.generation - other.generation);
    this.#highest = this.#past.at(-1)?.generation ?? 0;
    this.#trim();
  }

  /** How many parties are waiting. */
  get waiting(): number {
    return this.#parties.length;
  }

  /** Registers an arrival, new or repeated. Undefined means that the call is parked; its answer comes as an effect. */
  arrive({ parties, requestId, wait, waited }: Arrival, now: number): ArriveReply | undefined {
    this.wake(now);
    const known = this.#replay(requestId);
    if (known) return known;
    if (this.waiting > 0 && parties !== this.#size) return otherNumber("parties", this.#size, parties);
    const party = this.#find(requestId);
    if (!party && this.waiting >= LIMITS.maxWaiters) return { success: false, reason: "QUEUE_FULL" };
    this.#size = parties;
    const call = { parked: true, until: now + Math.min(wait, LIMITS.longPoll), final: wait <= LIMITS.longPoll };
    if (party) Object.assign(party, call);
    else this.#add({ requestId, arrivedAt: now - waited, ...call });
    this.#passComplete(now);
    // This call is not parked, so it is answered here and not by an effect.
    this.#answers = this.#answers.filter((answer) => answer.requestId !== requestId);
    return this.#replay(requestId);
  }

  /** A party gives up or has died, so its generation breaks. */
  leave(requestId: string, why: BarrierBreak, now: number): void {
    this.wake(now);
    const party = this.#find(requestId);
    if (party) this.#break(party, why, now);
  }

  /**
   * A party's connection has ended.
   *
   * If its call was still parked, the party has died; otherwise it was just answered.
   */
  drop(requestId: string, now: number): void {
    if (this.#find(requestId)?.parked) this.leave(requestId, "died", now);
  }

  /** Applies the passage of time. */
  wake(now: number): void {
    for (const party of this.#parties.filter(({ until }) => until <= now)) this.#due(party, now);
  }

  nextWake(): number {
    return Math.min(...this.#parties.map(({ until }) => until));
  }

  /** Forgets what was wiped from storage. This instance still remembers the highest generation number. */
  forget(): void {
    this.#past.length = 0;
  }

  takeEffects(): BarrierEffects {
    const effects = { generations: this.#ended, answers: this.#answers };
    this.#ended = [];
    this.#answers = [];
    return effects;
  }

  #find(requestId: string): Party | undefined {
    return this.#parties.find((party) => party.requestId === requestId);
  }

  /** Adds a party behind all that arrived before it or at the same time. */
  #add(party: Party): void {
    const before = this.#parties.findLastIndex(({ arrivedAt }) => arrivedAt <= party.arrivedAt);
    this.#parties.splice(before + 1, 0, party);
  }

  /**
   * Lets each generation pass whose parties have all arrived and are all parked.
   *
   * A party between two long polls may be dead. Only its own generation waits for it, for 2 s at most; later
   * generations do not.
   */
  #passComplete(now: number): void {
    for (let first = 0; first + this.#size <= this.waiting;) {
      const isHere = this.#parties.slice(first, first + this.#size).every(({ parked }) => parked);
      if (isHere) this.#end(first, undefined, now);
      else first += this.#size;
    }
  }

  #due(party: Party, now: number): void {
    // Another party that was due may have already ended this party's generation.
    if (!this.#parties.includes(party)) return;
    if (!party.parked) return this.#break(party, "died", now);
    if (!party.final) {
      this.#answers.push({ requestId: party.requestId, reply: { success: false, reason: "WAITING" } });
      Object.assign(party, { parked: false, until: now + LIMITS.returnWithin });
      return;
    }
    this.#answers.push({ requestId: party.requestId, reply: { success: false, reason: "TIMEOUT" } });
    party.parked = false;
    this.#break(party, "timeout", now);
  }

  #break(party: Party, why: BarrierBreak, now: number): void {
    const index = this.#parties.indexOf(party);
    this.#end(index - (index % this.#size), why, now);
  }

  /** Ends the generation that begins with the party at `first`. */
  #end(first: number, why: BarrierBreak | undefined, now: number): void {
    this.#highest = nextLeaseNumber(this.#highest, now);
    const present = this.#parties.splice(first, this.#size);
    const ended = { generation: this.#highest, why, members: present.map(({ requestId }) => requestId) };
    this.#past.push(ended);
    this.#trim();
    this.#ended.push(ended);
    for (const { requestId, parked } of present)
      if (parked) this.#answers.push({ requestId, reply: replyOf(ended, requestId) });
  }

  #trim(): void {
    let arrivals = this.#past.reduce((sum, { members }) => sum + members.length, 0);
    while (this.#past.length > GENERATIONS_REMEMBERED && arrivals > ARRIVALS_REMEMBERED)
      arrivals -= this.#past.shift()?.members.length ?? 0;
  }

  #replay(requestId: string): ArriveReply | undefined {
    const past = this.#past.find(({ members }) => members.includes(requestId));
    return past && replyOf(past, requestId);
  }
}

function replyOf({ generation, why, members }: Generation, requestId: string): ArriveReply {
  if (why) return { success: false, reason: "BROKEN", why };
  return { success: true, generation, index: members.indexOf(requestId) };
}
