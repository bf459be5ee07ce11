import { afterEach, describe, expect, it, vi } from "vitest";
import { type Lock, isLockError, once, useReadWriteLock, useSemaphore } from "../../../src/index.ts";
import { env } from "cloudflare:workers";
import { faultyNamespace } from "../../support/faulty-namespace.ts";
import { crash, freshId, holders, leaseOf, lockOf, outcome, stubOf, untilWaiting } from "../../support/locks.ts";
import { DAY, RERUN, askedNow, codeOf, kept, openJob, rerun } from "../../support/once.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("once", () => {
  it("The first caller runs the job and gets what it returned.", async () => {
    const id = freshId();
    expect(await once(lockOf(id), async ({ lease }) => ({ lease }))).toEqual({ lease: expect.any(Number) });
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("Of 50 simultaneous callers one runs the job, and all get its result.", async () => {
    const id = freshId();
    let runs = 0;
    const work = async () => (await scheduler.wait(20), `run ${++runs}`);
    const all = await Promise.all(Array.from({ length: 50 }, () => once(lockOf(id), work)));
    expect(new Set(all)).toEqual(new Set(["run 1"]));
    expect(runs).toBe(1);
  });

  it("A later caller gets the result with one call and without a lease.", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first");
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    expect(await once(lockOf(id, namespace), rerun, { wait: 0 })).toBe("first");
    expect(calls.map(({ method }) => method)).toEqual(["acquire"]);
    expect(await holders(id)).toBe(0);
  });

  it("A caller that comes while the job runs waits for its result.", async () => {
    const id = freshId();
    const job = openJob();
    const first = once(lockOf(id), job.fn);
    await job.started;
    const second = once(lockOf(id), rerun);
    await untilWaiting(id, 1);
    job.resolve("done");
    expect(await Promise.all([first, second])).toEqual(["done", "done"]);
  });

  it("With a wait of 0, once reports at once that the job is still running.", async () => {
    const id = freshId();
    const job = openJob();
    const first = once(lockOf(id), job.fn);
    await job.started;
    const { error } = await outcome(once(lockOf(id), rerun, { wait: 0 }));
    expect(isLockError(error, "LOCK_TIMEOUT")).toBe(true);
    expect(error).toMatchObject({ message: expect.stringContaining("still running") });
    job.resolve("done");
    await first;
  });

  it("A wait that ends before the job does fails with LOCK_TIMEOUT, and the next call gets the result.", async () => {
    const id = freshId();
    const job = openJob();
    const first = once(lockOf(id), job.fn);
    await job.started;
    expect(await codeOf(once(lockOf(id), rerun, { wait: 30 }))).toBe("LOCK_TIMEOUT");
    job.resolve("done");
    await first;
    expect(await askedNow(id)).toEqual({ value: "done", ran: false });
  });

  it("An abort while waiting removes the waiter from the queue and does not disturb the job.", async () => {
    const id = freshId();
    const job = openJob();
    const first = once(lockOf(id), job.fn);
    await job.started;
    const controller = new AbortController();
    const waiting = outcome(once(lockOf(id), rerun, { signal: controller.signal }));
    await untilWaiting(id, 1);
    controller.abort(new Error("mine"));
    expect((await waiting).error).toMatchObject({ message: "mine" });
    await untilWaiting(id, 0);
    job.resolve("done");
    expect(await first).toBe("done");
  });

  it("A waiter whose long poll has ended gets the result when it asks again.", async () => {
    const id = freshId();
    const start = Date.now();
    const clock = vi.spyOn(Date, "now").mockReturnValue(start);
    const lease = await leaseOf(stubOf(id).acquire(DAY, { once: "" }));
    const request = { once: "", wait: 60_000, requestId: "waiter" };
    const poll = stubOf(id).acquire(1_000, request);
    await untilWaiting(id, 1);
    clock.mockReturnValue(start + 25_001);
    await stubOf(id).acquire(1_000, { once: "" });
    expect(await poll).toMatchObject({ success: false, reason: "BORROWED" });
    await stubOf(id).release(lease, { result: { value: "done", failed: false, retain: DAY } });
    expect(await stubOf(id).acquire(1_000, { ...request, waited: 25_001 })).toMatchObject({
      reason: "RECORDED",
      result: { value: "done", failed: false, lease },
    });
  });

  it("once holds a lock exclusively, even if the lock can be shared.", async () => {
    const semaphore = useSemaphore(env.DURABLE_LOCK, freshId(), { permits: 5 });
    const { read } = useReadWriteLock(env.DURABLE_LOCK, freshId());
    for (const lock of [semaphore, read] as Lock[]) {
      const job = openJob();
      const first = once(lock, job.fn);
      await job.started;
      expect(await lock.status()).toMatchObject({ holders: [{ exclusive: true }] });
      const second = once(lock, rerun);
      await untilWaiting(lock.id, 1);
      job.resolve("done");
      expect(await Promise.all([first, second])).toEqual(["done", "done"]);
    }
    expect(await stubOf(freshId()).acquire(1_000, { once: "", permits: 1, capacity: 2 })).toMatchObject({
      reason: "INVALID_ARGUMENT",
      argument: "once",
    });
  });

  it("once refuses bad options before it sends a request.", async () => {
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    const lock = lockOf(freshId(), namespace);
    const bad = [
      { retain: 0 },
      { retain: 367 * DAY },
      { retain: Number.NaN },
      { retain: null },
      { fingerprint: 1 },
      { fingerprint: null },
      { recordErrors: "yes" },
      { ttl: 0 },
      { wait: -1 },
      { minHold: 1 },
      { permits: 1 },
    ];
    for (const options of bad) {
      const { error } = await outcome(once(lock, rerun, options as never));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: Object.keys(options)[0] });
    }
    expect(await codeOf(once(lock, "no function" as never))).toBe("INVALID_ARGUMENT");
    expect(calls).toEqual([]);
  });

  it("Plain requests refuse once, because they can't return a result.", async () => {
    const response = await stubOf(freshId()).fetch("http://lock/acquire?ttl=1000&once=");
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ argument: "once" });
  });
});

describe("Fingerprints", () => {
  it("Another payload is refused at once, both while the job runs and after it ran.", async () => {
    const id = freshId();
    const job = openJob();
    const first = once(lockOf(id), job.fn, { fingerprint: "a" });
    await job.started;
    const other = () => outcome(once(lockOf(id), rerun, { fingerprint: "b", wait: 60_000 }));
    expect((await other()).error).toMatchObject({ code: "FINGERPRINT_MISMATCH" });
    job.resolve("done");
    await first;
    expect((await other()).error).toMatchObject({ code: "FINGERPRINT_MISMATCH" });
    await crash(id);
    expect((await other()).error).toMatchObject({ code: "FINGERPRINT_MISMATCH" });
    expect(await askedNow(id, { fingerprint: "a" })).toEqual({ value: "done", ran: false });
  });

  it("An object that restarted while the job runs still refuses another payload.", async () => {
    const id = freshId();
    const job = openJob();
    const first = once(lockOf(id), job.fn, { fingerprint: "a" });
    await job.started;
    await crash(id);
    expect(await codeOf(once(lockOf(id), rerun, { fingerprint: "b" }))).toBe("FINGERPRINT_MISMATCH");
    job.resolve("done");
    expect(await first).toBe("done");
  });

  it("A waiter with another payload is refused as soon as the job starts to run.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const job = openJob();
    const first = once(lockOf(id), job.fn, { fingerprint: "a" });
    await untilWaiting(id, 1);
    const other = codeOf(once(lockOf(id), rerun, { fingerprint: "b", wait: 60_000 }));
    await untilWaiting(id, 2);
    await lockOf(id).release(lease);
    expect(await other).toBe("FINGERPRINT_MISMATCH");
    job.resolve("done");
    expect(await first).toBe("done");
  });

  it("A failed run leaves no fingerprint to compare with.", async () => {
    const id = freshId();
    await outcome(once(lockOf(id), () => Promise.reject(new Error("x")), { fingerprint: "a" }));
    expect(await once(lockOf(id), rerun, { fingerprint: "b" })).toBe(RERUN);
  });

  it("If either caller gives no fingerprint, nothing is compared.", async () => {
    const id = freshId();
    await once(lockOf(id), () => "done", { fingerprint: "a" });
    expect(await askedNow(id)).toEqual({ value: "done", ran: false });
    const plain = freshId();
    await once(lockOf(plain), () => "done");
    expect(await askedNow(plain, { fingerprint: "b" })).toEqual({ value: "done", ran: false });
  });

  it("A fingerprint may have any length, including 0, and only its hash is stored.", async () => {
    for (const fingerprint of ["", "x", "long ".repeat(400_000)]) {
      const id = freshId();
      await once(lockOf(id), () => "done", { fingerprint });
      expect(await askedNow(id, { fingerprint })).toEqual({ value: "done", ran: false });
      expect(await codeOf(once(lockOf(id), rerun, { fingerprint: `${fingerprint}.` }))).toBe("FINGERPRINT_MISMATCH");
      expect(await kept(id)).toMatchObject({ fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) });
    }
  });
});

describe("A plain lock on the id of a job", () => {
  it("A plain lock is not affected by a result on its id, and does not affect the result.", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first");
    expect(await lockOf(id).withLock(() => "plain")).toBe("plain");
    expect(await lockOf(id).tryWithLock(() => "plain")).toEqual({ acquired: true, value: "plain" });
    await lockOf(id).forceRelease();
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
  });

  it("A plain hold does not keep a caller from the result, and a plain waiter is still granted the lock.", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first");
    const held = await lockOf(id).hold();
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
    await held.release();
    const other = freshId();
    const job = openJob();
    const first = once(lockOf(other), job.fn);
    await job.started;
    const plain = lockOf(other).withLock(() => "plain");
    await untilWaiting(other, 1);
    const second = once(lockOf(other), rerun);
    await untilWaiting(other, 2);
    job.resolve("done");
    expect(await Promise.all([first, second, plain])).toEqual(["done", "done", "plain"]);
  });

  it("A plain hold keeps the job waiting.", async () => {
    const id = freshId();
    const held = await lockOf(id).hold();
    expect(await codeOf(once(lockOf(id), rerun, { wait: 0 }))).toBe("LOCK_TIMEOUT");
    await held.release();
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });
});
