import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { callApi } from "../../examples/at-most-ten.ts";
import { type Accounts, deposit } from "../../examples/critical-section.ts";
import { type Handover, finish, start } from "../../examples/hand-over.ts";
import { oncePerPeriod } from "../../examples/once-per-period.ts";
import { freshId, leaseOf, lockOf, outcome, sleep } from "../support/locks.ts";

const locks = env.DURABLE_LOCK;

describe("Examples of the package", () => {
  it("The critical section example loses no deposit.", async () => {
    const balances = new Map<string, number>();
    const accounts: Accounts = {
      read: async (id) => (await sleep(1), balances.get(id) ?? 0),
      write: async (id, balance) => (await sleep(1), void balances.set(id, balance)),
    };
    const id = freshId();
    await Promise.all(Array.from({ length: 20 }, () => deposit(locks, accounts, id, 10)));
    expect(balances.get(id)).toBe(200);
  });

  it("The fencing token example refuses a late write under an old lease.", async () => {
    const id = freshId();
    const ledger = env.LEDGER.getByName(id);
    const old = await leaseOf(lockOf(id).acquire(10_000));
    await lockOf(id).release(old);
    const newer = await leaseOf(lockOf(id).acquire(10_000));
    expect(await ledger.write(newer, "new")).toBe(true);
    expect(await ledger.write(old, "late")).toBe(false);
    expect(await ledger.read()).toBe("new");
  });

  it("The once per period example runs one of many.", async () => {
    const name = freshId();
    let runs = 0;
    const job = async () => void (runs += 1);
    const done = await Promise.all(Array.from({ length: 5 }, () => oncePerPeriod(locks, name, 60_000, job)));
    expect(done.filter((what) => what === "ran")).toHaveLength(1);
    expect(runs).toBe(1);
  });

  it("The hand-over example holds the lock all the way and leaves it free at the end.", async () => {
    const id = freshId();
    const queue: Handover[] = [];
    expect(await start(locks, id, async (message) => void queue.push(message))).toBe(true);
    expect(await start(locks, id, async () => {})).toBe(false);
    await finish(locks, queue[0] as Handover, async () => expect(await lockOf(id).isLocked()).toBe(true));
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("The hand-over example gives the lock back if a message can't be sent.", async () => {
    const id = freshId();
    const { error } = await outcome(start(locks, id, () => Promise.reject(new Error("queue is down"))));
    expect(error).toMatchObject({ message: "queue is down" });
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("The at most ten example never runs more than ten at a time, and all get through.", async () => {
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
