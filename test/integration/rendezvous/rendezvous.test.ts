import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { compute } from "../../../examples/barrier.ts";
import { importPart, publish } from "../../../examples/latch.ts";
import { type Barrier, type Latch, useBarrier, useLatch } from "../../../src/index.ts";
import { faultyNamespace, losingReplies } from "../../support/faulty-namespace.ts";
import { freshId, outcome } from "../../support/locks.ts";

const namespace = env.DURABLE_RENDEZVOUS;
const stubOf = (id: string) => namespace.getByName(id);
const crash = (id: string) =>
  runInDurableObject(stubOf(id), (_object, state) => state.abort("crashed by the test")).catch(() => {});
const latchOf = (id: string, count: number): Latch => useLatch(namespace, id, { count });
const barrierOf = (id: string, parties: number): Barrier => useBarrier(namespace, id, { parties });
const untilWaiting = (id: string, count: number) =>
  vi.waitFor(async () => expect(await stubOf(id).waiting()).toBe(count), { timeout: 10_000, interval: 5 });
const tables = (id: string) =>
  runInDurableObject(stubOf(id), (_object, { storage }) =>
    storage.sql
      .exec("SELECT name FROM sqlite_master")
      .toArray()
      .map(({ name }) => name),
  );
const lossy = (methods: string[]) => faultyNamespace(losingReplies(methods), namespace).namespace;

describe("latch", () => {
  it("A latch opens for all waiters when it has been counted down, and stays open.", async () => {
    const latch = latchOf(freshId(), 3);
    const waiting = [latch.wait(), latch.wait()];
    expect(await latch.countDown()).toBe(2);
    expect(await latch.countDown({ by: 2 })).toBe(0);
    await Promise.all(waiting);
    await latch.wait({ wait: 0 });
    expect(await latch.countDown()).toBe(0);
  });

  it("G5: A latch counts a request once, even if it is repeated, loses its reply or meets a restart.", async () => {
    const id = freshId();
    const latch = useLatch(lossy(["countDown"]), id, { count: 3 });
    expect(await latch.countDown({ requestId: "a" })).toBe(2);
    expect(await latch.countDown({ requestId: "a" })).toBe(2);
    await crash(id);
    expect(await latch.countDown({ requestId: "a" })).toBe(2);
    expect(await latch.remaining()).toBe(2);
  });

  it("A latch opens for waiters whose wait was cut by a restart.", async () => {
    const id = freshId();
    const latch = latchOf(id, 2);
    await latch.countDown();
    const waiting = latch.wait({ wait: 20_000 });
    await crash(id);
    await latch.countDown();
    await waiting;
  });

  it("A latch reports a timeout and an abort to the waiter, and goes on working.", async () => {
    const latch = latchOf(freshId(), 1);
    expect(await outcome(latch.wait({ wait: 20 }))).toMatchObject({ error: { code: "LOCK_TIMEOUT" } });
    const abort = new AbortController();
    const waiting = outcome(latch.wait({ signal: abort.signal }));
    abort.abort(new Error("enough"));
    expect(await waiting).toMatchObject({ error: { message: "enough" } });
    expect(await latch.countDown()).toBe(0);
  });

  it("G9: A latch refuses a different count and bad counts, and a question stores nothing.", async () => {
    const id = freshId();
    expect(await latchOf(id, 3).remaining()).toBe(3);
    expect(await tables(id)).toEqual([]);
    await latchOf(id, 3).countDown();
    for (const call of [latchOf(id, 4).countDown(), latchOf(id, 4).wait()])
      expect(await outcome<unknown>(call)).toMatchObject({ error: { code: "INVALID_ARGUMENT", argument: "count" } });
    expect(await outcome(latchOf(id, 3).countDown({ by: 4 }))).toMatchObject({ error: { argument: "by" } });
    for (const count of [0, 10_001, 1.5, "3"])
      expect(() => latchOf(id, count as number)).toThrow(expect.objectContaining({ argument: "count" }));
  });

  it("G8: A latch is wiped a day after its last count-down, and its id is then a new latch.", async () => {
    const id = freshId();
    await latchOf(id, 1).countDown();
    await runDurableObjectAlarm(stubOf(id));
    expect(await latchOf(id, 1).remaining()).toBe(0);
    vi.useFakeTimers({ now: Date.now() + 90_000_000, toFake: ["Date"] });
    try {
      await runDurableObjectAlarm(stubOf(id));
    } finally {
      vi.useRealTimers();
    }
    expect(await latchOf(id, 1).remaining()).toBe(1);
    expect(await tables(id)).toEqual([]);
  });
});

describe("barrier", () => {
  it("A barrier lets all parties go on together when the last arrives, and tells their order of arrival.", async () => {
    const id = freshId();
    const { arrive } = barrierOf(id, 3);
    const [first, second] = [arrive(), untilWaiting(id, 1).then(() => arrive())];
    await untilWaiting(id, 2);
    const met = await Promise.all([first, second, arrive()]);
    expect(met.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(new Set(met.map(({ generation }) => generation)).size).toBe(1);
  });

  it("A barrier can be used repeatedly by many parties, and its generations grow.", async () => {
    const { arrive } = barrierOf(freshId(), 30);
    const party = async () => {
      const met = [];
      for (let n = 0; n < 5; n += 1) met.push((await arrive({ wait: 15_000 })).generation);
      return met;
    };
    const [one, ...others] = await Promise.all(Array.from({ length: 30 }, party));
    for (const other of others) expect(other).toEqual(one);
    expect(one).toEqual([...new Set(one)].sort((a, b) => a - b));
  });

  it("A barrier breaks for the other parties when one aborts, and can then be used again.", async () => {
    const id = freshId();
    const { arrive } = barrierOf(id, 3);
    const abort = new AbortController();
    const aborting = outcome(arrive({ signal: abort.signal }));
    const waiting = outcome(arrive());
    await untilWaiting(id, 2);
    abort.abort(new Error("enough"));
    expect(await aborting).toMatchObject({ error: { message: "enough" } });
    expect(await waiting).toMatchObject({ error: { code: "BARRIER_BROKEN" } });
    expect(await Promise.all([arrive(), arrive(), arrive()])).toHaveLength(3);
  });

  it("A barrier breaks for the other parties when one times out, and that one gets LOCK_TIMEOUT.", async () => {
    const id = freshId();
    const { arrive } = barrierOf(id, 3);
    const waiting = outcome(arrive({ wait: 15_000 }));
    await untilWaiting(id, 1);
    expect(await outcome(arrive({ wait: 30 }))).toMatchObject({ error: { code: "LOCK_TIMEOUT" } });
    expect(await waiting).toMatchObject({ error: { code: "BARRIER_BROKEN" } });
    expect(await stubOf(id).waiting()).toBe(0);
  });

  it("A barrier breaks for the other parties when the execution context of one ends.", async () => {
    const id = freshId();
    const waiting = outcome(barrierOf(id, 3).arrive({ wait: 15_000 }));
    await untilWaiting(id, 1);
    expect(await (await exports.default.fetch(`https://test/arrive?id=${id}`)).text()).toBe("gone");
    expect(await waiting).toMatchObject({ error: { code: "BARRIER_BROKEN" } });
  });

  it("After a restart of the object the waiting parties come back, and the barrier completes.", async () => {
    const id = freshId();
    const { arrive } = barrierOf(id, 3);
    const waiting = [arrive({ wait: 15_000 }), arrive({ wait: 15_000 })];
    await untilWaiting(id, 2);
    await crash(id);
    await untilWaiting(id, 2);
    expect(await Promise.all([...waiting, arrive()])).toHaveLength(3);
  });

  it("G5: A party that asks again gets the same result, also after a restart.", async () => {
    const id = freshId();
    const ask = async (requestId: string) => {
      const attendance = stubOf(id).arriveAtBarrier({ parties: 2, requestId, wait: 5_000, waited: 0 });
      return await attendance.outcome.reply();
    };
    const [one, other] = await Promise.all([ask("a"), ask("b")]);
    expect([one, other]).toMatchObject([{ success: true }, { success: true }]);
    await crash(id);
    expect(await ask("a")).toEqual(one);
    expect(await ask("b")).toEqual(other);
    expect(await stubOf(id).waiting()).toBe(0);
  });

  it("G5: Parties meet once although replies are lost.", async () => {
    const id = freshId();
    const unlucky = useBarrier(lossy(["arriveAtBarrier"]), id, { parties: 2 });
    const met = await Promise.all([unlucky.arrive(), barrierOf(id, 2).arrive()]);
    expect(new Set(met.map(({ generation }) => generation)).size).toBe(1);
    expect(met.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual([0, 1]);
  });

  it("G9: A barrier refuses a different number of parties and bad numbers, and stores nothing before it first completes.", async () => {
    const id = freshId();
    const abort = new AbortController();
    const waiting = outcome(barrierOf(id, 3).arrive({ signal: abort.signal }));
    await untilWaiting(id, 1);
    expect(await outcome(barrierOf(id, 2).arrive())).toMatchObject({ error: { argument: "parties" } });
    expect(await tables(id)).toEqual([]);
    abort.abort();
    await waiting;
    for (const parties of [0, 1_001, 1.5, "3"])
      expect(() => barrierOf(id, parties as number)).toThrow(expect.objectContaining({ argument: "parties" }));
  });
});

describe("The examples of latch and barrier", () => {
  it("The latch example publishes when all parts are there, however often one is delivered.", async () => {
    const job = { id: freshId(), parts: 3 };
    let shown = false;
    const publishing = publish(namespace, job, async () => void (shown = true));
    for (const part of [0, 1, 1, 0]) await importPart(namespace, { ...job, part }, async () => {});
    expect(shown).toBe(false);
    await importPart(namespace, { ...job, part: 2 }, async () => {});
    await publishing;
    expect(shown).toBe(true);
  });

  it("The barrier example computes in step.", async () => {
    const job = { id: freshId(), workers: 4, steps: 3 };
    const log: number[] = [];
    const workers = Array.from({ length: 4 }, () => compute(namespace, job, async (n) => void log.push(n)));
    expect(await Promise.all(workers)).toEqual(["done", "done", "done", "done"]);
    expect(log).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
  });
});
