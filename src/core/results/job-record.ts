import type { RefusalReply } from "../replies.ts";

/** What is known of the result of a job that runs once, besides the result itself. */
export interface ResultInfo {
  /** The lease under which the job ran. */
  lease: number;
  /** The fingerprint of its payload, "" for none. */
  fingerprint: string;
  /** Whether the job failed, and what is kept is why. */
  failed: boolean;
  /** How long it is kept, in milliseconds. */
  retain: number;
  /** Until when it is kept, by the object's clock. */
  keptUntil: number;
}

/** What a lock knows of the result of its job: that there is one, for whom and until when. */
export class JobRecord {
  #info: ResultInfo | undefined;

  constructor(stored: ResultInfo | undefined, now: number) {
    // Kept at most `retain` from now: the clock may have stepped back while nobody looked.
    this.#info = stored && { ...stored, keptUntil: Math.min(stored.keptUntil, now + stored.retain) };
  }

  /** The result that is kept now. */
  kept(now: number): ResultInfo | undefined {
    return this.#info && this.#info.keptUntil > now ? this.#info : undefined;
  }

  /** Whether there is one whose time is over. */
  isOver(now: number): boolean {
    return this.#info !== undefined && this.#info.keptUntil <= now;
  }

  keep(info: ResultInfo): void {
    this.#info = info;
  }

  forget(): void {
    this.#info = undefined;
  }

  /** What to say to a request for the job, beside leases for the payloads of `running`; undefined if it needs a lease. */
  answer(once: string, running: (string | undefined)[], now: number): RefusalReply | undefined {
    const kept = this.kept(now);
    if ([kept?.fingerprint, ...running].some((other) => isOtherPayload(once, other)))
      return { success: false, reason: "FINGERPRINT_MISMATCH" };
    return kept && { success: false, reason: "RECORDED" };
  }
}

/** Whether two fingerprints tell that the same key was used for another payload. */
function isOtherPayload(fingerprint: string, other: string | undefined): boolean {
  return fingerprint !== "" && other !== undefined && other !== "" && fingerprint !== other;
}
