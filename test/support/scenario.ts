import type { Lock, Locks, isLockError, once, withLocks } from "../../src/client.ts";

/** What the scenario needs: the locks of a Worker or a service, and the tools from the same entry point. */
export interface Cast {
  locks: Pick<Locks, "lock" | "semaphore" | "readWriteLock" | "webLocks">;
  tools: { isLockError: typeof isLockError; once: typeof once; withLocks: typeof withLocks };
}

/**
 * Does a little of everything that a program does with locks. Throws at the first wrong result.
 *
 * It needs no test framework, so it runs in every runtime and from the output of every bundler.
 */
export async function playScenario({ locks, tools }: Cast): Promise<void> {
  const { lock, semaphore, readWriteLock, webLocks } = locks;
  await depositTogether(lock(newId("a lock")));
  await loseALease(lock(newId("a held lock")), tools.isLockError);
  const job = lock(newId("a job"));
  const results = [await tools.once(job, () => ({ sum: 7 })), await tools.once(job, () => ({ sum: 8 }))];
  check("a job runs once", JSON.stringify(results) === '[{"sum":7},{"sum":7}]');
  const both = [lock(newId("a")), lock(newId("b"))];
  check("several at once", (await tools.withLocks(both, () => "both")) === "both");
  check("a semaphore", (await semaphore(newId("permits"), { permits: 2 }).withPermits(2, () => 2)) === 2);
  check("a reader", (await readWriteLock(newId("pages")).read.withLock(() => "read")) === "read");
  check("a Web Lock", (await webLocks().request(newId("tab"), (it) => it?.mode)) === "exclusive");
}

/** Throws an error that names the check, unless it holds. */
export function check(name: string, holds: boolean): void {
  if (!holds) throw new Error(`${name}: not so.`);
}

/** An id that no other test uses. */
export function newId(name: string): string {
  return `${name} of ${crypto.randomUUID()}`;
}

/** Only five at a time: a browser has six connections to an origin, and each waiting call occupies one of them. */
const DEPOSITS = 5;

async function depositTogether(mutex: Lock): Promise<void> {
  let balance = 0;
  const deposit = () =>
    mutex.withLock(async () => {
      const before = balance;
      await mutex.isLocked();
      balance = before + 1;
    });
  await Promise.all(Array.from({ length: DEPOSITS }, deposit));
  check("no deposit is lost", balance === DEPOSITS);
  check("it is free in the end", !(await mutex.isLocked()));
}

async function loseALease(mutex: Lock, isError: typeof isLockError): Promise<void> {
  const held = await mutex.hold({ ttl: 60_000 });
  check("a lock that is held is refused", !(await mutex.acquire(1_000)).success);
  const abort = new AbortController();
  const waiting = mutex.hold({ signal: abort.signal }).then(
    () => undefined,
    (error: unknown) => error,
  );
  while ((await mutex.status()).waiters.length === 0);
  abort.abort(new Error("enough"));
  check("an abort ends a wait", (await waiting) === abort.signal.reason);
  check("and leaves the queue", (await mutex.status()).waiters.length === 0);
  await mutex.forceRelease();
  await held.renew().catch(() => {});
  check("a loss fires the signal", isError(held.signal.reason, "LEASE_LOST"));
}
