import type { LeaseBook } from "./leases/lease-book.ts";
import { otherRequest } from "./leases/same-request.ts";
import type { WaitQueue } from "./queue/wait-queue.ts";
import type { Decision, FingerprintMismatchReply, RecordedDecision } from "./replies.ts";
import type { LockRequest } from "./request.ts";
import type { JobRecord } from "./results/job-record.ts";

/** The requests that need no lease: their answer does not depend on who holds the lock. */
export class Decisions {
  readonly #leases: LeaseBook;
  readonly #queue: WaitQueue;
  readonly #record: JobRecord;

  constructor(leases: LeaseBook, queue: WaitQueue, record: JobRecord) {
    this.#leases = leases;
    this.#queue = queue;
    this.#record = record;
  }

  /** Answers a request that has an answer already, whose id another request has, or whose job has a result. */
  decide(request: LockRequest, now: number): Decision | undefined {
    const { requestId } = request;
    const underWay = this.#leases.live.byRequest(requestId)?.lease ?? this.#queue.get(requestId);
    const refusal = underWay && otherRequest(underWay, request);
    if (refusal) return refusal;
    const replayed = this.#leases.replay(requestId, now);
    if (replayed?.success) return replayed;
    const recorded = this.byRecord(request, now);
    // An ended request stays ended, whatever it asks for now; but if its job has a result, that helps the caller more.
    return replayed && recorded?.reason !== "RECORDED" ? replayed : recorded;
  }

  /** The answer to a request whose job has a result, or runs for another payload. */
  byRecord({ job }: Pick<LockRequest, "job">, now: number): FingerprintMismatchReply | RecordedDecision | undefined {
    if (!job) return undefined;
    const running = [...this.#leases.live].map(({ lease }) => lease.job?.fingerprint);
    return this.#record.answer(job, running, now);
  }
}
