import { LIMITS } from "../core/limits.ts";
import type { AcquireReply, RecordedResult } from "../core/replies.ts";
import type { ResultStorage } from "./storage/result-storage.ts";

/** A call whose answer is the result of the job. */
interface ResultCall {
  answer: (reply: AcquireReply) => void;
  /** When the caller must be told to ask again; `Infinity` if the caller would not ask again. */
  until: number;
}

interface Listed extends ResultCall {
  result: RecordedResult;
  size: number;
}

/** The size of an answer without the result, in bytes. */
const ANSWER_BYTES = 100;

/**
 * Sends the result of a job to the callers that want it, one group of callers at a time.
 *
 * Each answer is a copy. With a large result, the copies for all callers together would not fit into the object's
 * memory. The result itself is read once, and stays in memory while callers wait for it.
 */
export class Handout {
  readonly #results: ResultStorage;
  readonly #calls = new Set<Listed>();
  #current: Pick<Listed, "result" | "size"> | undefined;
  #groupEnds = Number.NEGATIVE_INFINITY;
  /** How many bytes this group has been sent. */
  #sent = 0;

  constructor(results: ResultStorage) {
    this.#results = results;
  }

  /** Adds a call at the end of the list; `give` will answer it. Returns a function that removes the call again. */
  add(call: ResultCall): () => void {
    this.#current ??= this.#results.read();
    const listed = { ...call, ...this.#current };
    this.#calls.add(listed);
    return () => void this.#calls.delete(listed);
  }

  /** Answers the next group once the last group's time has passed. Also answers the callers that must ask again. */
  give(now: number): void {
    if (now >= this.#groupEnds) this.#sent = 0;
    for (const call of this.#calls) {
      const bytes = call.size + ANSWER_BYTES;
      if (this.#sent > 0 && this.#sent + bytes > LIMITS.maxBytesTogether) break;
      if (this.#sent === 0) this.#groupEnds = now + LIMITS.betweenGroups;
      this.#sent += bytes;
      this.#calls.delete(call);
      call.answer({ success: false, reason: "RECORDED", result: call.result });
    }
    this.#sendAway(now);
    if (this.#calls.size === 0) this.forget();
  }

  /** When the next group is answered; `Infinity` if no call waits for the result. */
  nextDue(): number {
    return this.#calls.size === 0 ? Number.POSITIVE_INFINITY : this.#groupEnds;
  }

  /** Drops the result from memory; the next caller reads it again. */
  forget(): void {
    this.#current = undefined;
  }

  /** Tells the callers whose long poll ends now to ask again. */
  #sendAway(now: number): void {
    const waiting = this.#calls.size;
    for (const call of this.#calls) {
      if (call.until > now) continue;
      this.#calls.delete(call);
      call.answer({ success: false, reason: "BORROWED", waiting });
    }
  }
}
