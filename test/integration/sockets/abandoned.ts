// A process that aborts one call and then has nothing left to do. It prints how long it lives on.
import { connectLocks, lead, observe, withLocks } from "../../../src/client.ts";

const [url = "", token = "", call = ""] = process.argv.slice(2);
const { lock, webLocks } = connectLocks({ url, token });
const mine = lock("mine");
const giveUp = new AbortController();
const { signal } = giveUp;
const nothing = () => {};

const CALLS: Record<string, () => Promise<unknown>> = {
  acquire: () => mine.acquire(60_000, { wait: 60_000, signal }),
  withLock: () => mine.withLock(nothing, { wait: 60_000, signal }),
  hold: () => mine.hold({ wait: 60_000, signal }),
  withLocks: () => withLocks([mine, lock("other")], nothing, { wait: 60_000, signal }),
  lead: () => lead(mine, nothing, { signal }),
  observe: () => observe(mine, { signal }).next(),
  "request of webLocks": () => webLocks().request("mine", { signal }, nothing),
  status: () => mine.status(),
  forceRelease: () => mine.forceRelease(),
};

let settled = 0;
process.once("exit", () => process.stdout.write(JSON.stringify({ after: performance.now() - settled })));
process.stdin.once("data", () => giveUp.abort());
await CALLS[call]?.().catch(nothing);
settled = performance.now();
process.stdin.destroy();
