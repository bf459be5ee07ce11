import { createLock } from "../toolkit/create-lock.ts";
import { createReadWriteLock } from "../toolkit/read-write-lock.ts";
import { createSemaphore } from "../toolkit/semaphore.ts";
import { createWebLocks } from "../toolkit/web-locks/create-web-locks.ts";
import { checkNameable, httpPrimitives } from "../transport/http/http-primitives.ts";
import { PollLength, pollLengthTo } from "../transport/http/poll-length.ts";
import { type ConnectOptions, checkConnection } from "../transport/http/service-access.ts";
import type { LockPrimitives } from "../transport/primitives.ts";
import type { Locks } from "./locks.ts";

/**
 * Locks of a lock service, over HTTP: for Node, Deno, Bun, and pages of the service's own origin.
 *
 * Makes no request. It gives the same interface as `bindLocks` in a Worker, with every combinator. Only `releaseOnExit`
 * is refused, with `INVALID_ARGUMENT`, because no connection outlives its request. A URL can't contain the ids "." and
 * "..". A call without an answer is repeated with the same request id, so it has no second effect.
 *
 * @throws `INVALID_ARGUMENT` for a URL that does not begin with `https:` (`http:` only to this machine), or a malformed
 * token; later calls throw `ACCESS_DENIED` for a token that the service refuses, and `UNREACHABLE` for an outage.
 * @example
 * ```ts
 * import { connectLocks } from "durable-locks/client";
 *
 * const { lock } = connectLocks({ url: "https://locks.example.com", token });
 * await lock("nightly-report").withLock(({ signal }) => report(signal));
 * ```
 */
export function connectLocks(options: ConnectOptions): Locks {
  const access = checkConnection(options);
  // A custom `fetch` may lead elsewhere, whatever the URL says: don't share what is known about the URL's origin.
  const polls = options.fetch === undefined ? pollLengthTo(access.base) : new PollLength();
  const primitivesOf = (id: string, argument = "id"): LockPrimitives =>
    httpPrimitives(access, polls, checkNameable(id, argument));
  return {
    lock: (id) => createLock(primitivesOf(id)),
    semaphore: (id, given) => createSemaphore(primitivesOf(id), given),
    readWriteLock: (id) => createReadWriteLock(primitivesOf(id)),
    webLocks: (given) => createWebLocks((name) => primitivesOf(name, "name"), given),
  };
}
