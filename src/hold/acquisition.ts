import type { LockRequest } from "../core/request.ts";
import type { Backoff } from "../transport/backoff.ts";

/** The checked options for acquiring a lock. */
export interface Acquisition {
  request: LockRequest;
  signal: AbortSignal | undefined;
  poll: (Backoff & { retries: number }) | undefined;
  /** Whether the caller gave the request its id, and so can repeat the request. */
  named: boolean;
}
