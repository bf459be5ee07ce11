// Compiled and not run, with the DOM's types and without Cloudflare's or Node's: the client is for browsers too.
import { type HeldLease, type Lock, type Locks, connectLocks, once } from "../../../src/client.ts";

const connection: Locks = connectLocks({ url: new URL(location.href), token: "…", fetch });
connectLocks({ url: "https://locks.example", token: "…", fetch: { fetch } });
// @ts-expect-error what sends the requests must have a fetch
connectLocks({ url: "https://locks.example", token: "…", fetch: {} });
const { lock, semaphore, readWriteLock, webLocks } = connection;

const mutex: Lock = lock("a");
const reader: Lock = readWriteLock("a").read;
const ofFour: Lock = semaphore("a", { permits: 4 });
const standard: LockManager = webLocks({ ttl: 10_000 });

const value: Promise<number> = mutex.withLock(({ signal }: HeldLease) => (signal.aborted ? 1 : 2));
const result: Promise<{ sum: number }> = once(mutex, () => ({ sum: 1 }));

// @ts-expect-error a token is needed
connectLocks({ url: "https://locks.example" });
// @ts-expect-error so is a URL
connectLocks({ token: "…" });
// @ts-expect-error the number of permits is needed
semaphore("a", {});

void [reader, ofFour, standard, value, result];
