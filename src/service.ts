/**
 * The lock service: locks over HTTP, for callers that are no Workers.
 *
 * @module
 */
export type { RateLimiter } from "./worker/context.ts";
export { type LockService, type LockServiceOptions, createLockService } from "./worker/service.ts";
export { LockIndex } from "./object/lock-index.ts";
