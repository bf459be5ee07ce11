/**
 * Locks of a lock service, over HTTP: for Node, Deno, Bun, and pages of the service's own origin, without anything that needs Cloudflare.
 *
 * Begin with {@link connectLocks}.
 *
 * @module
 */
export { type LockConnection, connectLocks } from "./connect/connect-locks.ts";
export * from "./shared.ts";
export type { ConnectOptions, Fetching } from "./transport/http/service-access.ts";
