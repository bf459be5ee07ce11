// Replays of what users of other libraries reported. docs/correctness.md lists them: "Bugs of others, tried here".
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LockError, createLock, isLockError, once } from "../../../src/index.ts";
import { failureOf, freshId, lockOf, outcome, untilWaiting } from "../../support/locks.ts";
import { codeOf, mortal, openJob, rerun, RERUN } from "../../support/once.ts";
import { grantingPrimitives } from "../../support/scripted-primitives.ts";

let start = 0;
beforeEach(() => {
  start = Date.now();
});
afterEach(() => {
  vi.restoreAllMocks();
});
/** Sets the clock by which the objects judge leases to this many milliseconds after the start of the test. */
const setClock = (ms: number) => vi.spyOn(Date, "now").mockReturnValue(start + ms);

/** A job whose caller died while it ran. */
async function abandoned(ttl: number): Promise<string> {
  const id = freshId();
  const { lock, die } = mortal();
  const job = openJob();
  setClock(0);
  void outcome(once(lock(id), job.fn, { ttl }));
  await job.started;
  die();
  return id;
}

describe("aws-powertools/powertools-lambda#53", () => {
  it("a job whose runner died does not stay in progress: it runs again when the lease has ended", async () => {
    const id = await abandoned(30_000);
    expect(await codeOf(once(lockOf(id), rerun, { wait: 0 }))).toBe("LOCK_TIMEOUT");
    setClock(30_001);
    expect(await once(lockOf(id), rerun, { wait: 0 })).toBe(RERUN);
  });
});

describe("aws-powertools/powertools-lambda-python#8049", () => {
  it("how long a dead run keeps its job from running again is the caller's to say, up to a day", async () => {
    const id = await abandoned(3_600_000);
    setClock(3_599_000);
    expect(await codeOf(once(lockOf(id), rerun, { wait: 0 }))).toBe("LOCK_TIMEOUT");
    setClock(3_600_001);
    expect(await once(lockOf(id), rerun, { wait: 0 })).toBe(RERUN);
  });
});

describe("aws-powertools/powertools-lambda-typescript#2987", () => {
  it("a job that returns nothing still runs only once, and everybody gets undefined", async () => {
    const id = freshId();
    const work = vi.fn(() => {});
    const results = [await once(lockOf(id), work), await once(lockOf(id), work), await once(lockOf(id), work)];
    expect(results).toEqual([undefined, undefined, undefined]);
    expect(work).toHaveBeenCalledOnce();
  });
});

describe("aws-powertools/powertools-lambda-python#2490", () => {
  it("a duplicate that comes while the job runs waits for its result, and not for longer than it asked to", async () => {
    const id = freshId();
    const job = openJob();
    const first = once(lockOf(id), job.fn);
    await job.started;
    const duplicate = once(lockOf(id), rerun, { wait: 20_000 });
    await untilWaiting(id, 1);
    expect(await codeOf(once(lockOf(id), rerun, { wait: 20 }))).toBe("LOCK_TIMEOUT");
    job.resolve("first");
    expect([await first, await duplicate]).toEqual(["first", "first"]);
  });
});

describe("aws-powertools/powertools-lambda-typescript#2517", () => {
  it("an error that another copy of the package made is known for what it is, outside and inside", async () => {
    vi.resetModules();
    const copy = await import("../../../src/errors.ts");
    const theirs = new copy.LockError("ACCESS_DENIED", "The token does not allow this.");
    expect(theirs).not.toBeInstanceOf(LockError);
    expect(isLockError(theirs, "ACCESS_DENIED")).toBe(true);
    expect(copy.isLockError(new LockError("QUEUE_FULL", "full"), "QUEUE_FULL")).toBe(true);
    const { primitives } = grantingPrimitives({ acquire: () => Promise.reject(theirs) });
    expect(await failureOf(createLock(primitives).withLock(() => {}))).toBe(theirs);
  });
});

describe("lukas-krecan/ShedLock#6", () => {
  it("a job that is quickly done is not done again by a node whose clock is late, within minHold", async () => {
    const id = freshId();
    const work = vi.fn();
    setClock(0);
    await lockOf(id).tryWithLock(work, { minHold: 60_000 });
    setClock(5_000);
    expect(await lockOf(id).tryWithLock(work, { minHold: 60_000 })).toMatchObject({ acquired: false });
    setClock(61_000);
    expect(await lockOf(id).tryWithLock(work, { minHold: 60_000 })).toMatchObject({ acquired: true });
    expect(work).toHaveBeenCalledTimes(2);
  });
});
