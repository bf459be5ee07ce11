import type { LeaseEnd } from "../replies.ts";

/** What is remembered about a request that must not take effect again. */
export interface PastRequest {
  /** The request that took the lease. */
  requestId: string;
  /** The number of the lease; absent if the request was cancelled before it got a lease. */
  lease?: number;
  how: LeaseEnd;
  /** The release that ended it, so that repeating that release gives the same answer. */
  releaseId?: string;
}
