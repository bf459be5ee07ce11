import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { callApi } from "../../examples/at-most-ten.ts";
import { type Accounts, deposit } from "../../examples/critical-section.ts";
import { type Handover, finish, start } from "../../examples/hand-over.ts";
import { oncePerPeriod } from "../../examples/once-per-period.ts";
import { freshId, leaseOf, lockOf, outcome, sleep } from "../support/locks.ts";

const locks = env.DURABLE_LOCK;

describe("the examples", () => {
  it("critical section: no deposit is lost", async () => {
    const balances = new Map<string, number>();
    const accounts: Accounts = {
      read: async (id) => (await sleep(1), balances.get(id) ?? 0),
      write: async (id, balance) => (await sleep(1), void balances.set(id, balance)),
    };
    const id = freshId();
    await Promise.all(Array.from({ length: 20 }, () => deposit(locks, accounts, id, 10)));
    expect(balances.get(id)).toBe(200);
  });

  it("fencing token: a late write under an old lease is refused", async () => {
    const id = freshId();
    const ledger = env.LEDGER.getByName(id);
    const old = await leaseOf(lockOf(id).acquire(10_000));
    await lockOf(id).release(old);
    const newer = await leaseOf(lockOf(id).acquire(10_000));
    expect(await ledger.write(newer, "new")).toBe(true);
    expect(await ledger.write(old, "late")).toBe(false);
    expect(await ledger.read()).toBe("new");
  });

  it("once per period: one of many runs", async () => {
    const name = freshId();
    let runs = 0;
    const job = async () => void (runs += 1);
    const done = await Promise.all(Array.from({ length: 5 }, () => oncePerPeriod(locks, name, 60_000, job)));
    expect(done.filter((what) => what === "ran")).toHaveLength(1);
    expect(runs).toBe(1);
  });

  it("hand-over: the lock is held all the way, and free at the end", async () => {
    const id = freshId();
    const queue: Handover[] = [];
    expect(await start(locks, id, async (message) => void queue.push(message))).toBe(true);
    expect(await start(locks, id, async () => {})).toBe(false);
    await finish(locks, queue[0] as Handover, async () => expect(await lockOf(id).isLocked()).toBe(true));
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("hand-over: a message that can't be sent gives the lock back", async () => {
    const id = freshId();
    const { error } = await outcome(start(locks, id, () => Promise.reject(new Error("queue is down"))));
    expect(error).toMatchObject({ message: "queue is down" });
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("at most ten: never more at a time, and all get through", async () => {
    let running = 0;
    let most = 0;
    const { promise: tenAreIn, resolve } = Promise.withResolvers<void>();
    const call = async () => {
      most = Math.max(most, (running += 1));
      if (running === 10) resolve();
      await tenAreIn;
      await sleep(1);
      running -= 1;
      return new Response("ok");
    };
    const responses = await Promise.all(Array.from({ length: 40 }, () => callApi(locks, call)));
    expect(responses.every(({ status }) => status === 200)).toBe(true);
    expect(most).toBe(10);
  });
});
