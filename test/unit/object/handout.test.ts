import { runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { AcquireReply } from "../../../src/index.ts";
import { LockHost } from "../../../src/object/lock-host.ts";
import { SqliteStorage } from "../../../src/object/storage/sqlite-storage.ts";
import { fakeTime, pass } from "../../support/fake-time.ts";
import { freshId, stubOf } from "../../support/locks.ts";

fakeTime();

// Ahead of the clock with which the object itself started.
beforeEach(() => void vi.setSystemTime(Date.now() + 60_000));

const JOB = {
  exclusive: true,
  permits: 1,
  capacity: 1,
  ttl: 600_000,
  wait: 0,
  waited: 0,
  lockDelay: 0,
  steal: false,
  owner: undefined,
  job: { fingerprint: undefined },
} as const;
const MB = 1_000_000;

/** A job with many waiters. `answers` has their answers in the order in which they came. */
const withWaiters = (
  many: number,
  work: (job: {
    host: LockHost;
    reads: () => number;
    answers: (AcquireReply & { requestId: string })[];
    finish: (value: unknown) => void;
    ask: (requestId: string, more?: object) => void;
  }) => Promise<void>,
) =>
  runInDurableObject(stubOf(freshId()), async (_lock, state) => {
    const host = new LockHost(new SqliteStorage(state.storage), state);
    const read = vi.spyOn(state.storage.kv, "get");
    const answers: (AcquireReply & { requestId: string })[] = [];
    const ask = (requestId: string, more: object = {}) =>
      void Promise.resolve(host.request({ ...JOB, requestId, ...more }).reply).then((reply) =>
        answers.push({ requestId, ...reply }),
      );
    const granted = await host.request({ ...JOB, requestId: "runner" }).reply;
    const lease = granted.success ? granted.lease : 0;
    for (let n = 0; n < many; n += 1) ask(`${n}`, { wait: 60_000 });
    const finish = (value: unknown) => host.release(lease, "end", { value, failed: false, retain: 600_000 });
    read.mockClear();
    await work({ host, reads: () => read.mock.calls.length, answers, finish, ask });
  });

function resultIn(reply: AcquireReply) {
  return !reply.success && reply.reason === "RECORDED" ? reply.result : undefined;
}

describe("G9 handing out a job's result", () => {
  it("A result of 2 MB is read once for 200 waiters, and at most eight get it together, in order.", async () => {
    await withWaiters(200, async ({ reads, answers, finish }) => {
      finish("x".repeat(1.9 * MB));
      let most = 0;
      for (let before = 0, turns = 0; answers.length < 200 && turns < 1_000; turns += 1) {
        await pass(10);
        most = Math.max(most, answers.length - before);
        before = answers.length;
      }
      expect([reads(), most]).toEqual([1, 8]);
      expect(answers.map(({ requestId }) => requestId)).toEqual(Array.from({ length: 200 }, (_, n) => `${n}`));
      // All answers share one value, rather than a copy each.
      const values = answers.map((reply) => resultIn(reply));
      expect(new Set(values).size).toBe(1);
    });
  });

  it("A small result goes to all waiters at once.", async () => {
    await withWaiters(500, async ({ answers, finish }) => {
      finish("receipt");
      await pass(0);
      expect(answers).toHaveLength(500);
    });
  });

  it("A large result goes to later callers in groups too, and is read once for all of them.", async () => {
    await withWaiters(20, async ({ reads, answers, finish, ask }) => {
      finish("x".repeat(1.9 * MB));
      for (let n = 0; n < 20; n += 1) ask(`late ${n}`);
      await pass(0);
      expect(answers).toHaveLength(8);
      await pass(1_000);
      expect([answers.length, reads()]).toEqual([40, 1]);
      expect(answers.every((reply) => !reply.success && reply.reason === "RECORDED")).toBe(true);
    });
  });

  it("A waiter with time left asks again if its long poll ends before the large result reaches it.", async () => {
    await withWaiters(0, async ({ answers, finish, ask }) => {
      for (let n = 0; n < 17; n += 1) ask(`patient ${n}`, { wait: 60_000, longPoll: 20 });
      finish("x".repeat(1.9 * MB));
      ask("late", { wait: 60_000, longPoll: 20 });
      ask("hasty", { wait: 20 });
      await pass(60);
      expect(answers).toHaveLength(18);
      for (const reply of answers.slice(16)) expect(reply).toMatchObject({ reason: "BORROWED", waiting: 3 });
      ask("late", { wait: 60_000 });
      await pass(100);
      expect(answers.slice(18)).toMatchObject([
        { requestId: "hasty", reason: "RECORDED" },
        { requestId: "late", reason: "RECORDED" },
      ]);
    });
  });

  it("The object keeps no timer and no copy of a result once all waiters have it.", async () => {
    await withWaiters(20, async ({ reads, answers, finish, ask }) => {
      finish("x".repeat(1.9 * MB));
      await pass(1_000);
      expect([answers.length, vi.getTimerCount(), reads()]).toEqual([20, 0, 1]);
      ask("later");
      await pass(0);
      expect([answers.length, reads()]).toEqual([21, 2]);
    });
  });

  it("The result of an earlier job never goes to a request for a later one.", async () => {
    await withWaiters(20, async ({ host, answers, finish, ask }) => {
      finish("x".repeat(1.9 * MB));
      await pass(0);
      // The lock's clock passes the end of the result's retention while twelve waiters still wait for it.
      vi.setSystemTime(Date.now() + 600_000);
      const next = await host.request({ ...JOB, requestId: "next" }).reply;
      host.release(next.success ? next.lease : 0, "end next", { value: "second", failed: false, retain: 600_000 });
      ask("asks for the second");
      await pass(1_000);
      expect(answers).toHaveLength(21);
      const seconds = answers.filter((reply) => resultIn(reply)?.value === "second");
      expect(seconds.map(({ requestId }) => requestId)).toEqual(["asks for the second"]);
    });
  });
});
