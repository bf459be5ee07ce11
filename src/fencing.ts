/**
 * Fencing for HTTP services that are not Workers: the same functions as in `durable-locks`, without anything that needs
 * Cloudflare.
 *
 * @module
 */
export {
  type LeaseLoss,
  LeaseLostError,
  LockError,
  type LockErrorCode,
  type LockErrorDetails,
  StaleLeaseError,
  isLockError,
} from "./errors.ts";
export {
  type AdvanceFence,
  type Fence,
  type HeadersReader,
  type RequestHeaders,
  fenceHeaders,
  readFence,
  verifyFence,
} from "./fencing/http-headers.ts";
