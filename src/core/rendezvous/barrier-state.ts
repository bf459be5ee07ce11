import { nextLeaseNumber } from "../leases/lease.ts";
import { LIMITS } from "../limits.ts";
import { type ArriveReply, type BarrierBreak, otherNumber } from "./rendezvous-replies.ts";

/** A generation of a barrier that came to its end. */
export interface Generation {
  generation: number;
  /** Why it broke; absent if all met. */
  why: BarrierBreak | undefined;
  /** The requests of those who had come, the first first. */
  members: string[];
}

/** How a party asks to be let through. */
export interface Arrival {
  /** How many are to meet. */
  parties: number;
  /** Names the arrival: repeating it has no second effect. */
  requestId: string;
  /** How long it waits at most, in milliseconds. */
  wait: number;
  /** How long it has waited before this call, in milliseconds. */
  waited: number;
}

interface Party {
  requestId: string;
  arrivedAt: number;
  /** Whether a call of it is parked here, or it was answered and is expected back. */
  parked: boolean;
  /** When its call must be answered, or, if it isn't parked, when it counts as dead. */
  until: number;
  /** Whether its own time is up at `until`. */
  final: boolean;
}

/** What a transition asks of its host: write the meetings down, then answer the parked calls. */
export interface BarrierEffects {
  meetings: Generation[];
  answers: { requestId: string; reply: ArriveReply }[];
}

/** So many meetings the barrier remembers, whatever their size: a caller whose reply was lost asks again within seconds. */
export const GENERATIONS_REMEMBERED = 8;

/** Small barriers meet often, so the barrier remembers more meetings while all of them have no more arrivals than this. */
export const ARRIVALS_REMEMBERED = 1_000;

/**
 * A barrier: parties wait until as many have come as are to meet, and go on together; then the next generation begins.
 *
 * The first `parties` in the order of their arrival are one generation, the next as many are another, and so on. Whether
 * a generation meets is decided here, in one step. A party that dies, gives up or runs out of time breaks its own
 * generation and no other. Pure: `now` and ids are arguments, and effects are taken after each call.
 */
export class BarrierState {
  /** In the order of arrival. */
  readonly #parties: Party[] = [];
  readonly #past: Generation[];
  #size = 0;
  #highest = 0;
  #meetings: Generation[] = [];
  #answers: BarrierEffects["answers"] = [];

  constructor(stored: Iterable<Generation>) {
    this.#past = [...stored].sort((one, other) => one.generation - other.generation);
    this.#highest = this.#past.at(-1)?.generation ?? 0;
    this.#trim();
  }

  /** How many have come and wait. */
  get waiting(): number {
    return this.#parties.length;
  }

  /** Comes, or comes back; undefined means parked, and the answer comes as an effect. */
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
    this.#meetAll(now);
    // Answered here, and not as an effect: this call is not parked.
    this.#answers = this.#answers.filter((answer) => answer.requestId !== requestId);
    return this.#replay(requestId);
  }

  /** A party gives up, or turns out to be dead, so its generation can no longer meet. */
  leave(requestId: string, why: BarrierBreak, now: number): void {
    this.wake(now);
    const party = this.#find(requestId);
    if (party) this.#break(party, why, now);
  }

  /** A party's connection is gone: it died, unless it was only answered. */
  drop(requestId: string, now: number): void {
    if (this.#find(requestId)?.parked) this.leave(requestId, "died", now);
  }

  /** Lets time pass. */
  wake(now: number): void {
    for (const party of this.#parties.filter(({ until }) => until <= now)) this.#due(party, now);
  }

  nextWake(): number {
    return Math.min(...this.#parties.map(({ until }) => until));
  }

  /** Forgets what storage forgets; generations still grow as long as this instance lives. */
  forget(): void {
    this.#past.length = 0;
  }

  takeEffects(): BarrierEffects {
    const effects = { meetings: this.#meetings, answers: this.#answers };
    this.#meetings = [];
    this.#answers = [];
    return effects;
  }

  #find(requestId: string): Party | undefined {
    return this.#parties.find((party) => party.requestId === requestId);
  }

  /** Adds a party behind all that came before it or at the same time. */
  #add(party: Party): void {
    const before = this.#parties.findLastIndex(({ arrivedAt }) => arrivedAt <= party.arrivedAt);
    this.#parties.splice(before + 1, 0, party);
  }

  /**
   * Lets each generation go on that is complete and all here.
   *
   * A party that was answered and is not back yet may be dead. Only its own generation waits for it, for 2 s at most;
   * parties that came after that generation was complete do not.
   */
  #meetAll(now: number): void {
    for (let first = 0; first + this.#size <= this.waiting;) {
      const isHere = this.#parties.slice(first, first + this.#size).every(({ parked }) => parked);
      if (isHere) this.#end(first, undefined, now);
      else first += this.#size;
    }
  }

  #due(party: Party, now: number): void {
    // Its generation may have ended meanwhile, by another party that was due.
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
    const place = this.#parties.indexOf(party);
    this.#end(place - (place % this.#size), why, now);
  }

  /** Ends the generation that begins with the party at `first`. */
  #end(first: number, why: BarrierBreak | undefined, now: number): void {
    this.#highest = nextLeaseNumber(this.#highest, now);
    const present = this.#parties.splice(first, this.#size);
    const meeting = { generation: this.#highest, why, members: present.map(({ requestId }) => requestId) };
    this.#past.push(meeting);
    this.#trim();
    this.#meetings.push(meeting);
    for (const { requestId, parked } of present)
      if (parked) this.#answers.push({ requestId, reply: replyOf(meeting, requestId) });
  }

  #trim(): void {
    let arrivals = this.#past.reduce((sum, { members }) => sum + members.length, 0);
    while (this.#past.length > GENERATIONS_REMEMBERED && arrivals > ARRIVALS_REMEMBERED)
      arrivals -= this.#past.shift()?.members.length ?? 0;
  }

  #replay(requestId: string): ArriveReply | undefined {
    const meeting = this.#past.find(({ members }) => members.includes(requestId));
    return meeting && replyOf(meeting, requestId);
  }
}

function replyOf({ generation, why, members }: Generation, requestId: string): ArriveReply {
  if (why) return { success: false, reason: "BROKEN", why };
  return { success: true, generation, index: members.indexOf(requestId) };
}
