import type { LeaseBook } from "./leases/lease-book.ts";
import { otherRequest } from "./leases/same-request.ts";
import type { WaitQueue } from "./queue/wait-queue.ts";
import type { Decision, FingerprintMismatchReply, RecordedDecision } from "./replies.ts";
import type { LockRequest } from "./request.ts";
import type { JobRecord } from "./results/job-record.ts";

/** Decides requests whose answer does not depend on who holds the lock, so they need no new lease. */
export class Decisions {
  readonly #leases: LeaseBook;
  readonly #queue: WaitQueue;
  readonly #record: JobRecord;

  constructor(leases: LeaseBook, queue: WaitQueue, record: JobRecord) {
    this.#leases = leases;
    this.#queue = queue;
    this.#record = record;
  }

  /**
   * Answers a request that was decided before, that uses the id of another request, or whose job decides it.
   *
   * A job decides a request if it has a result, or if it is running for another payload. Undefined for other requests.
   */
  decide(request: LockRequest, now: number): Decision | undefined {
    const { requestId } = request;
    const underWay = this.#leases.live.byRequest(requestId)?.lease ?? this.#queue.get(requestId);
    const refusal = underWay && otherRequest(underWay, request);
    if (refusal) return refusal;
    const replayed = this.#leases.replay(requestId, now);
    if (replayed?.success) return replayed;
    const recorded = this.byRecord(request, now);
    // A request that has ended stays ended, whatever its parameters are now. But if its job has a result, that result
    // is more useful to the caller.
    return replayed && recorded?.reason !== "RECORDED" ? replayed : recorded;
  }

  /** The answer to a request whose job has a result, or is running for another payload; undefined otherwise. */
  byRecord({ job }: Pick<LockRequest, "job">, now: number): FingerprintMismatchReply | RecordedDecision | undefined {
    if (!job) return undefined;
    return this.#record.answer(job, this.#leases.live.only?.lease.job?.fingerprint, now);
  }
}
