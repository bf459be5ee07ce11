import type { LockRequest } from "../core/request.ts";
import type { Backoff } from "../transport/backoff.ts";

/** A checked way to acquire. */
export interface Acquisition {
  request: LockRequest;
  signal: AbortSignal | undefined;
  poll: (Backoff & { retries: number }) | undefined;
  /** Whether the caller named the request and so can repeat it. */
  named: boolean;
}
