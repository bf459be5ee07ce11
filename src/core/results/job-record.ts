import type { Job, Lease } from "../leases/lease.ts";
import type { JobResult, FingerprintMismatchReply, RecordedDecision } from "../replies.ts";

/** What is stored about the result of a once-only job, besides the result itself. */
export interface JobRecordInfo {
  /** The lease under which the job ran. */
  lease: number;
  /** Identifies the job's payload; undefined if payloads are not compared. */
  fingerprint: string | undefined;
  /** Whether the job failed. Then the result is the reason. */
  failed: boolean;
  /** How long the result is kept, in milliseconds. */
  retain: number;
  /** Until when the result is kept, by the object's clock. */
  keptUntil: number;
}

/** The record of a job's result that is stored now. */
export function infoOf(
  { lease, job }: Pick<Lease, "lease" | "job">,
  { failed, retain }: Omit<JobResult, "value">,
  now: number,
): JobRecordInfo {
  return { lease, fingerprint: job?.fingerprint, failed, retain, keptUntil: now + retain };
}

/**
 * What a lock knows about the result of its job: whether there is one, for which payload, and until when it is kept.
 */
export class JobRecord {
  #info: JobRecordInfo | undefined;
  #isDeleted = false;

  constructor(stored: JobRecordInfo | undefined, now: number) {
    // The clock may have stepped back while no instance was running, so the result is kept for at most `retain` from
    // now.
    this.#info = stored && { ...stored, keptUntil: Math.min(stored.keptUntil, now + stored.retain) };
  }

  /** The record of the result, if it is still kept. */
  kept(now: number): JobRecordInfo | undefined {
    return this.#info && this.#info.keptUntil > now ? this.#info : undefined;
  }

  /** Drops a result whose retention time has ended. It is also deleted, so that no clock revives it after a restart. */
  advance(now: number): void {
    if (!this.#info || this.#info.keptUntil > now) return;
    this.#info = undefined;
    this.#isDeleted = true;
  }

  /** Records that a result was stored; it replaces an earlier one. */
  keep(info: JobRecordInfo): void {
    this.#info = info;
    this.#isDeleted = false;
  }

  /** Whether the stored result must be deleted; true only once. */
  takeDeletion(): boolean {
    const isDeleted = this.#isDeleted;
    this.#isDeleted = false;
    return isDeleted;
  }

  forget(): void {
    this.#info = undefined;
    this.#isDeleted = false;
  }

  /**
   * The answer to a request for the job; undefined if the request needs a lease.
   *
   * `running` is the fingerprint of the job that is running; undefined if there is none.
   */
  answer(
    { fingerprint }: Job,
    running: string | undefined,
    now: number,
  ): FingerprintMismatchReply | RecordedDecision | undefined {
    const kept = this.kept(now);
    if (isOtherPayload(fingerprint, kept?.fingerprint) || isOtherPayload(fingerprint, running))
      return { success: false, reason: "FINGERPRINT_MISMATCH" };
    return kept && { success: false, reason: "RECORDED" };
  }
}

/** Whether two fingerprints show that the same key was used for different payloads. */
function isOtherPayload(fingerprint: string | undefined, other: string | undefined): boolean {
  return fingerprint !== undefined && other !== undefined && fingerprint !== other;
}
