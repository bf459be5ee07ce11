/**
 * The lock service: locks over HTTP, for callers that are not Workers.
 *
 * @module
 */
export type { RateLimiter } from "./service/request/context.ts";
export { type LockService, type LockServiceOptions, createLockService } from "./service/create-service.ts";
export { LockIndex } from "./object/lock-index.ts";
export type { LockNamespace } from "./transport/rpc/namespace.ts";
export type { PlacementOptions } from "./transport/rpc/placement.ts";
