import type { Job, Lease } from "../leases/lease.ts";
import type { JobResult, FingerprintMismatchReply, RecordedDecision } from "../replies.ts";

/** What is known of the result of a job that runs once, besides the result itself. */
export interface JobRecordInfo {
  /** The lease under which the job ran. */
  lease: number;
  /** Tells its payload from others; undefined if payloads are not compared. */
  fingerprint: string | undefined;
  /** Whether the job failed, and what is kept is why. */
  failed: boolean;
  /** How long it is kept, in milliseconds. */
  retain: number;
  /** Until when it is kept, by the object's clock. */
  keptUntil: number;
}

/** What is known of the result of a lease's job, if it is kept from now on. */
export function infoOf(
  { lease, job }: Pick<Lease, "lease" | "job">,
  { failed, retain }: Omit<JobResult, "value">,
  now: number,
): JobRecordInfo {
  return { lease, fingerprint: job?.fingerprint, failed, retain, keptUntil: now + retain };
}

/** What a lock knows of the result of its job: that there is one, for whom and until when. */
export class JobRecord {
  #info: JobRecordInfo | undefined;
  #isDeleted = false;

  constructor(stored: JobRecordInfo | undefined, now: number) {
    // Kept at most `retain` from now: the clock may have stepped back while nobody looked.
    this.#info = stored && { ...stored, keptUntil: Math.min(stored.keptUntil, now + stored.retain) };
  }

  /** The result that is kept now. */
  kept(now: number): JobRecordInfo | undefined {
    return this.#info && this.#info.keptUntil > now ? this.#info : undefined;
  }

  /** Lets a result end, before anybody relies on that: it is deleted, so that no clock brings it back after a restart. */
  advance(now: number): void {
    if (!this.#info || this.#info.keptUntil > now) return;
    this.#info = undefined;
    this.#isDeleted = true;
  }

  /** Takes note of a result that was stored, in place of the one before. */
  keep(info: JobRecordInfo): void {
    this.#info = info;
    this.#isDeleted = false;
  }

  /** Whether what is stored must be deleted, once. */
  takeDeletion(): boolean {
    const isDeleted = this.#isDeleted;
    this.#isDeleted = false;
    return isDeleted;
  }

  forget(): void {
    this.#info = undefined;
    this.#isDeleted = false;
  }

  /** What to say to a request for the job, beside leases for the payloads of `running`; undefined if it needs a lease. */
  answer(
    { fingerprint }: Job,
    running: (string | undefined)[],
    now: number,
  ): FingerprintMismatchReply | RecordedDecision | undefined {
    const kept = this.kept(now);
    if ([kept?.fingerprint, ...running].some((other) => isOtherPayload(fingerprint, other)))
      return { success: false, reason: "FINGERPRINT_MISMATCH" };
    return kept && { success: false, reason: "RECORDED" };
  }
}

/** Whether two fingerprints tell that the same key was used for another payload. */
function isOtherPayload(fingerprint: string | undefined, other: string | undefined): boolean {
  return fingerprint !== undefined && other !== undefined && fingerprint !== other;
}
