import { LIMITS } from "../core/limits.ts";
import type { AcquireReply, RecordedResult } from "../core/replies.ts";
import type { ResultStorage } from "./storage/result-storage.ts";

/** A call that the result of the job answers. */
interface ResultCall {
  answer: (reply: AcquireReply) => void;
  /** When its caller must be told to ask again; `Infinity` if that would end its wait. */
  until: number;
}

interface Listed extends ResultCall {
  result: RecordedResult;
  size: number;
}

/** What an answer takes besides the result, in bytes. */
const ANSWER_BYTES = 100;

/**
 * Gives the result of a job to those who ask for it, a group at a time.
 *
 * Each answer is a copy: those of a large result to all its waiters would not fit into the object's memory together. The
 * result itself is read once, and kept while somebody waits for it.
 */
export class Handout {
  readonly #results: ResultStorage;
  readonly #calls = new Set<Listed>();
  #current: Pick<Listed, "result" | "size"> | undefined;
  #groupEnds = Number.NEGATIVE_INFINITY;
  /** How many bytes this group has been given. */
  #given = 0;

  constructor(results: ResultStorage) {
    this.#results = results;
  }

  /** Lists a call behind those that came before; the answer comes with `give`. Answers how to take it off the list. */
  add(call: ResultCall): () => void {
    this.#current ??= this.#results.read();
    const listed = { ...call, ...this.#current };
    this.#calls.add(listed);
    return () => void this.#calls.delete(listed);
  }

  /** Answers the next group, if the one before has had its time, and those who must ask again. */
  give(now: number): void {
    if (now >= this.#groupEnds) this.#given = 0;
    for (const call of this.#calls) {
      const bytes = call.size + ANSWER_BYTES;
      if (this.#given > 0 && this.#given + bytes > LIMITS.maxBytesTogether) break;
      if (this.#given === 0) this.#groupEnds = now + LIMITS.betweenGroups;
      this.#given += bytes;
      this.#calls.delete(call);
      call.answer({ success: false, reason: "RECORDED", result: call.result });
    }
    this.#sendAway(now);
    if (this.#calls.size === 0) this.forget();
  }

  /** When the next group is answered; `Infinity` if nobody waits for it. */
  nextDue(): number {
    return this.#calls.size === 0 ? Number.POSITIVE_INFINITY : this.#groupEnds;
  }

  /** Reads the result again for the next caller. */
  forget(): void {
    this.#current = undefined;
  }

  /** Tells those who can't be parked for longer to ask again. */
  #sendAway(now: number): void {
    const waiting = this.#calls.size;
    for (const call of this.#calls) {
      if (call.until > now) continue;
      this.#calls.delete(call);
      call.answer({ success: false, reason: "BORROWED", waiting });
    }
  }
}
