import { nextLeaseNumber } from "./lease.ts";
import { LIMITS } from "./limits.ts";
import { type ArriveReply, type BarrierBreak, otherNumber } from "./rendezvous.ts";

/** A generation of a barrier that came to its end. */
export interface Meeting {
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

/** What a transition asks of its host: write the meeting down, then answer the parked calls. */
export interface BarrierEffects {
  meeting: Meeting | undefined;
  answers: { requestId: string; reply: ArriveReply }[];
}

/** Whoever asks again after a reply was lost does so within seconds. */
export const MEETINGS_REMEMBERED = 8;

/**
 * A barrier: parties wait until as many have come as are to meet, and go on together; then the next generation begins.
 *
 * Whether the last has come is decided here, in one step. One who dies, gives up or runs out of time breaks the
 * generation for all who had come. Pure: `now` and ids are arguments, and effects are taken after each call.
 */
export class BarrierState {
  readonly #parties = new Map<string, Party>();
  readonly #past: Meeting[];
  #size = 0;
  #highest = 0;
  #meeting: Meeting | undefined;
  #answers: BarrierEffects["answers"] = [];

  constructor(stored: Iterable<Meeting>) {
    this.#past = [...stored].sort((one, other) => one.generation - other.generation);
    this.#highest = this.#past.at(-1)?.generation ?? 0;
  }

  /** How many have come and wait. */
  get waiting(): number {
    return this.#parties.size;
  }

  /** Comes, or comes back; undefined means parked, and the answer comes as an effect. */
  arrive({ parties, requestId, wait, waited }: Arrival, now: number): ArriveReply | undefined {
    this.wake(now);
    const known = this.#replay(requestId);
    if (known) return known;
    if (this.#parties.size > 0 && parties !== this.#size) return otherNumber("parties", this.#size, parties);
    this.#size = parties;
    const arrivedAt = this.#parties.get(requestId)?.arrivedAt ?? now - waited;
    const call = { parked: true, until: now + Math.min(wait, LIMITS.slice), final: wait <= LIMITS.slice };
    this.#parties.set(requestId, { requestId, arrivedAt, ...call });
    // One who was answered and is not back yet may be dead: whether it is will be known within 2 s.
    const allAreHere = this.#parties.size === parties && [...this.#parties.values()].every((party) => party.parked);
    if (!allAreHere) return undefined;
    this.#end(undefined, now);
    // Answered here, and not as an effect: this call is not parked.
    this.#answers = this.#answers.filter((answer) => answer.requestId !== requestId);
    return this.#replay(requestId);
  }

  /** Gives up, or is found dead: nobody of this generation can meet any more. */
  leave(requestId: string, why: BarrierBreak, now: number): void {
    this.wake(now);
    if (this.#parties.has(requestId)) this.#end(why, now);
  }

  /** A party's connection is gone: it died, unless it was only answered. */
  drop(requestId: string, now: number): void {
    if (this.#parties.get(requestId)?.parked) this.leave(requestId, "died", now);
  }

  /** Lets time pass. */
  wake(now: number): void {
    for (const party of [...this.#parties.values()].filter(({ until }) => until <= now)) this.#due(party, now);
  }

  nextWake(): number {
    return Math.min(...[...this.#parties.values()].map(({ until }) => until));
  }

  /** Forgets what storage forgets; generations still grow as long as this instance lives. */
  forget(): void {
    this.#past.length = 0;
  }

  takeEffects(): BarrierEffects {
    const effects = { meeting: this.#meeting, answers: this.#answers };
    this.#meeting = undefined;
    this.#answers = [];
    return effects;
  }

  #due(party: Party, now: number): void {
    // Ended meanwhile by another that was due.
    if (this.#parties.get(party.requestId) !== party) return;
    if (!party.parked) return this.#end("died", now);
    if (!party.final) {
      this.#answers.push({ requestId: party.requestId, reply: { success: false, reason: "WAITING" } });
      Object.assign(party, { parked: false, until: now + LIMITS.returnWithin });
      return;
    }
    this.#answers.push({ requestId: party.requestId, reply: { success: false, reason: "TIMEOUT" } });
    party.parked = false;
    this.#end("timeout", now);
  }

  #end(why: BarrierBreak | undefined, now: number): void {
    this.#highest = nextLeaseNumber(this.#highest, now);
    const present = [...this.#parties.values()].sort((one, other) => one.arrivedAt - other.arrivedAt);
    const meeting = { generation: this.#highest, why, members: present.map(({ requestId }) => requestId) };
    this.#past.push(meeting);
    if (this.#past.length > MEETINGS_REMEMBERED) this.#past.shift();
    this.#meeting = meeting;
    this.#parties.clear();
    for (const { requestId, parked } of present)
      if (parked) this.#answers.push({ requestId, reply: replyOf(meeting, requestId) });
  }

  #replay(requestId: string): ArriveReply | undefined {
    const meeting = this.#past.find(({ members }) => members.includes(requestId));
    return meeting && replyOf(meeting, requestId);
  }
}

function replyOf({ generation, why, members }: Meeting, requestId: string): ArriveReply {
  if (why) return { success: false, reason: "BROKEN", why };
  return { success: true, generation, index: members.indexOf(requestId) };
}
