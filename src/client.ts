/**
 * Locks of a lock service, over HTTP: for Node, Deno, Bun, and pages of the service's own origin. Nothing here needs
 * Cloudflare.
 *
 * Start with {@link connectLocks}.
 *
 * @module
 */
export { connectLocks } from "./connect/connect-locks.ts";
export type { Locks } from "./connect/locks.ts";
export * from "./shared.ts";
export type { ConnectOptions, FetchProvider } from "./transport/http/service-access.ts";
