import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { DurableLock, Ticket } from "../../../src/index.ts";
import { freshId, outcome, stubOf } from "../../support/locks.ts";
import { type Call, type Input, claim, inputsOf, wholeLock } from "./calls.ts";
import { PARKED, expectRefusal, inside, isRefused, settled } from "./host.ts";
import { RULES, fuzz } from "./values.ts";

const { ttl, lease, known, wait, longPoll, waited, owner, text, requestId, lockDelay, flag, once, retain } = RULES;
const { permits, capacity } = RULES;
const ASK = {
  wait: (value: unknown) => value === undefined || wait(value),
  longPoll,
  waited: (value: unknown) => value === undefined || waited(value),
  owner,
  permits,
  capacity,
  requestId,
  lockDelay,
  steal: flag,
  once,
};
const request = (method: string): Call => ({
  method,
  takes: ["ttl", "options"],
  options: { options: Object.keys(ASK) },
  rules: { ttl, ...ASK },
  good: { ttl: 1_000 },
  together: wholeLock,
});
const named = (method: string): Call => ({
  method,
  takes: ["options"],
  options: { options: ["requestId"] },
  rules: { requestId },
  good: {},
});
const any = () => true;

const CALLS: Call[] = [
  request("acquire"),
  request("acquireOrQueue"),
  {
    method: "renew",
    takes: ["lease", "ttl", "options"],
    options: { options: ["requestId"] },
    rules: { lease, ttl, requestId },
    good: { lease: 1, ttl: 1_000 },
  },
  {
    method: "convert",
    takes: ["lease", "options"],
    options: { options: ["permits", "capacity", "requestId"] },
    rules: { lease, permits, capacity, requestId },
    good: { lease: 1 },
    together: claim,
  },
  {
    method: "release",
    takes: ["lease", "options"],
    options: { options: ["requestId", "result"], result: ["value", "failed", "retain"] },
    rules: { lease, requestId, value: any, failed: flag, retain },
    good: { lease: 1, value: 1, retain: 1_000 },
  },
  { method: "cancel", takes: ["requestId"], rules: { requestId: text }, good: {} },
  named("forceRelease"),
  named("requestRelease"),
  { method: "watchExit", takes: ["lease"], rules: { lease }, good: {} },
  { method: "watch", takes: ["known", "wait"], rules: { known, wait }, good: { known: 1, wait: 0 } },
];

type Callable = Record<string, (...args: unknown[]) => unknown>;

/** The answer to a call, or the one that a waiter gets at the end of its wait. */
async function lastAnswer(answer: unknown): Promise<unknown> {
  const reply = await answer;
  const isTicket = typeof reply === "object" && reply !== null && "pendingGrant" in reply;
  return isTicket ? await (reply as Ticket).pendingGrant.reply() : reply;
}

async function answerOf(object: object, { method }: Call, args: unknown[]): Promise<unknown> {
  return await settled(lastAnswer((object as Callable)[method]?.(...args)));
}

export const withoutTimes = (status: object) => JSON.stringify(status).replace(/"waited":\d+/g, "");

/** An object argument that is no request is a lease to `acquire`. */
function wrongOf({ method }: Call, { args, wrong }: Input): string[] {
  const isLease = method === "acquire" && args[1] !== null && args[1] !== undefined && typeof args[1] !== "object";
  return isLease ? [...wrong.filter((name) => name === "ttl"), ...(lease(args[1]) ? [] : ["lease"])] : wrong;
}

/** Inputs that are surely bad. */
function refusedOf(call: Call) {
  return inputsOf(call).filter((input) => wrongOf(call, input).length > 0 && !wrongOf(call, input).includes("?"));
}

function check(lock: DurableLock, { touched, timers }: { touched: () => number; timers: () => number }, call: Call) {
  return async (input: Input) => {
    const before = [withoutTimes(await lock.status()), touched(), timers()];
    const reply = await answerOf(lock, call, input.args);
    const wrong = wrongOf(call, input);
    // Known to be wrong or known to be right, unless it has fields that only the drawn object knows.
    if (!wrong.includes("?")) expect(isRefused(reply)).toBe(wrong.length > 0);
    if (isRefused(reply)) {
      expectRefusal(reply, wrong);
      expect([withoutTimes(await lock.status()), touched(), timers()]).toEqual(before);
    } else {
      expectTyped(reply);
      await sweep(lock);
    }
  };
}

const REASONS = [
  "BORROWED",
  "NO_LONGER_VALID",
  "QUEUE_FULL",
  "TOO_MANY_LEASES",
  "RECORDED",
  "FINGERPRINT_MISMATCH",
  "RESULT_NOT_CLONEABLE",
  "RESULT_TOO_LARGE",
];

function expectTyped(reply: unknown): void {
  if (reply === PARKED || reply === true || Number.isSafeInteger(reply)) return;
  const { success, reason, lease: granted, handle, holders } = reply as Record<string, unknown>;
  if (success === false) expect(REASONS).toContain(reason);
  else expect(granted !== undefined || handle !== undefined || holders !== undefined).toBe(true);
}

/** Resets the lock to one holder and no waiters, so that there is something that could change. */
export async function sweep(lock: DurableLock): Promise<void> {
  for (;;) {
    const { holders, waiters } = await lock.status();
    if (waiters.length === 0 && holders.length === 1 && holders[0]?.owner === "holder") return;
    if (waiters.length === 0) await lock.acquire(3_600_000, { owner: "holder", steal: true });
    else await lock.forceRelease();
    // After a start the lock grants nothing for 2 s if a waiter has waited before, and time stands still until we wait.
    if (waiters.length > 0) await scheduler.wait(1);
  }
}

/** Calls from outside to the lock's object: in this process, and a sample over RPC. */
export function fuzzLockCalls(runs: number): void {
  it.each(CALLS.map((call): [string, Call] => [call.method, call]))(
    "G9 %s of a lock answers arbitrary input as documented.",
    async (_method, call) => {
      await inside(stubOf(freshId()), async (lock: DurableLock, { storage }, watched) => {
        // An id that was never used: what is refused leaves not even a table.
        await fuzz(runs / 10, refusedOf(call), check(lock, watched, call));
        expect(storage.sql.exec("SELECT name FROM sqlite_master").toArray()).toEqual([]);
        expect(await storage.getAlarm()).toBeNull();
        await sweep(lock);
        await fuzz(runs, inputsOf(call), check(lock, watched, call));
      });
    },
  );

  it.each(CALLS.map((call): [string, Call] => [call.method, call]))(
    "G9 %s of a lock over RPC answers arbitrary input as documented.",
    async (_method, call) => {
      const stub = env.DURABLE_LOCK.getByName(freshId());
      await stub.acquire(3_600_000);
      const before = JSON.stringify(await stub.status());
      await fuzz(runs / 40, refusedOf(call), async (input) => {
        const called = async () => (stub as unknown as Callable)[call.method]?.(...input.args);
        const { value, error } = await outcome<unknown>(called());
        // What can't be sent does not arrive.
        if (error) expect((error as Error).name).toBe("DataCloneError");
        else expectRefusal(value, wrongOf(call, input));
      });
      expect(JSON.stringify(await stub.status())).toBe(before);
    },
  );
}
