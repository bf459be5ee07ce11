// What a program outside of Workers does with locks, in whatever runtime it is run: against the built package. It ends by
// itself, for an idle client keeps no process alive.
import { argv } from "node:process";

const built = new URL("../../dist/client.js", import.meta.url).href;
const { connectLocks, isLockError, once, withLocks } = (await import(built)) as typeof import("../../src/client.ts");
const [url = "", token = ""] = argv.slice(2);
const { lock, semaphore, readWriteLock, webLocks } = connectLocks({ url, token });
const id = (name: string) => `${name} of ${crypto.randomUUID()}`;

function check(name: string, isSo: boolean): void {
  if (!isSo) throw new Error(`${name}: not so.`);
}

const mutex = lock(id("a lock"));
let balance = 0;
const deposit = () =>
  mutex.withLock(async () => {
    const before = balance;
    await mutex.isLocked();
    balance = before + 1;
  });
await Promise.all(Array.from({ length: 10 }, deposit));
check("no deposit is lost", balance === 10);
check("it is free in the end", !(await mutex.isLocked()));

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
check("a loss fires the signal", isLockError(held.signal.reason, "LEASE_LOST"));

const job = lock(id("a job"));
const results = [await once(job, () => ({ sum: 7 })), await once(job, () => ({ sum: 8 }))];
check("a job runs once", JSON.stringify(results) === '[{"sum":7},{"sum":7}]');
check("several at once", (await withLocks([lock(id("a")), lock(id("b"))], () => "both")) === "both");
check("a semaphore", (await semaphore(id("permits"), { permits: 2 }).withPermits(2, () => 2)) === 2);
check("a reader", (await readWriteLock(id("pages")).read.withLock(() => "read")) === "read");
check("a Web Lock", (await webLocks().request(id("tab"), (it) => it?.mode)) === "exclusive");

const stranger = connectLocks({ url, token: "nobody-knows-this" }).lock("a");
const refusal: unknown = await stranger.isLocked().catch((error: unknown) => error);
check("a wrong token is refused", isLockError(refusal, "ACCESS_DENIED"));

// Kept on purpose: neither its ttl nor its connection is a reason to stay.
await lock(id("kept")).acquire(86_400_000);
console.log("all is well");
