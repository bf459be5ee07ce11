import { exports } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { KeepAlive } from "../../../src/hold/keep-alive.ts";
import { AT_LEAST, notedLocks, noteHold } from "../../../src/hold/own-holds.ts";
import { createLock, createReadWriteLock, createSemaphore, once, withLocks } from "../../../src/index.ts";
import { failureOf, freshId, lockOf, sleep, untilWaiting } from "../../support/locks.ts";
import { memoryPrimitives } from "../../support/memory-primitives.ts";

const messageOf = async (call: Promise<unknown>) => ((await failureOf(call)) as Error | undefined)?.message;
const ITSELF = /This process has held it itself since 20..-.*Z\. .*pass `held` on instead of nesting/;

describe("G11 a lock that is taken again under its own hold", () => {
  it("times out with a message that says so, since when, and what to do", async () => {
    const id = freshId();
    const before = Date.now();
    const error = await failureOf(lockOf(id).withLock(() => lockOf(id).withLock(() => {}, { wait: 50 })));
    expect(error).toMatchObject({ code: "LOCK_TIMEOUT", message: expect.stringMatching(ITSELF) });
    const [, since = ""] = /since (\S+)\. /.exec((error as Error).message) ?? [];
    expect(Date.parse(since)).toBeGreaterThanOrEqual(before - 1);
    expect(Date.parse(since)).toBeLessThanOrEqual(Date.now() + 1);
  });

  it("says so of a job that waits for its own result, and of one of many locks", async () => {
    const id = freshId();
    const job = lockOf(id);
    expect(await messageOf(once(job, () => once(job, () => {}, { wait: 50 })))).toMatch(ITSELF);
    const nested = job.withLock(() => withLocks([lockOf(freshId()), job], () => {}, { wait: 200 }));
    expect(await messageOf(nested)).toMatch(ITSELF);
  });

  it("says so of a lease that was taken over", async () => {
    const lock = lockOf(freshId());
    const taken = await lock.acquire(60_000);
    if (!taken.success) throw new Error(taken.reason);
    const held = await lock.resume(taken.lease);
    expect(await messageOf(lock.withLock(() => {}, { wait: 50 }))).toMatch(ITSELF);
    await held.release();
  });

  it("says so of a writer under its reader, of a reader under its writer, and of neither once that has changed", async () => {
    const { read, write, downgrade } = createReadWriteLock(lockOf(freshId()).primitives);
    expect(await messageOf(read.withLock(() => write.withLock(() => {}, { wait: 50 })))).toMatch(ITSELF);
    expect(await messageOf(write.withLock(() => read.withLock(() => {}, { wait: 50 })))).toMatch(ITSELF);
    const downgraded = write.withLock(async (held) => {
      await downgrade(held);
      return await read.withLock(() => "read", { wait: 50 });
    });
    expect(await downgraded).toBe("read");
  });

  it("says so of a semaphore only if its own permits leave no room", async () => {
    const { primitives } = lockOf(freshId());
    const semaphore = createSemaphore(primitives, { permits: 2 });
    const nested = semaphore.withPermits(2, () => semaphore.withLock(() => {}, { wait: 50 }));
    expect(await messageOf(nested)).toMatch(ITSELF);
    // Taken as by another process: its permits are noted nowhere.
    const other = await semaphore.acquire(60_000);
    expect(other.success).toBe(true);
    const beside = await messageOf(semaphore.withLock(() => semaphore.withLock(() => {}, { wait: 50 })));
    expect(beside).toContain("was not granted within 50 ms");
    expect(beside).not.toMatch(/itself/);
  });
});

describe("G11 a lock that others hold", () => {
  it("is not put down to this process", async () => {
    const lock = lockOf(freshId());
    await lock.acquire(60_000);
    const message = await messageOf(lock.withLock(() => {}, { wait: 50 }));
    expect(message).not.toMatch(/itself|withLocks/);
  });

  it("nor is one that this process took and gave back while it waited", async () => {
    const id = freshId();
    const lock = lockOf(id);
    const first = await lock.hold();
    const second = lock.hold({ wait: 10_000 });
    const third = messageOf(lock.withLock(() => {}, { wait: 1_000 }));
    await untilWaiting(id, 2);
    await sleep(100);
    await first.release();
    const held = await second;
    expect(await third).not.toMatch(/itself/);
    await held.release();
  });

  it("is waited for under another lock with a hint at withLocks, and without that other's id", async () => {
    const outer = freshId("a-secret-of-another-user");
    const lock = lockOf(freshId());
    await lock.acquire(60_000);
    const message = await messageOf(lockOf(outer).withLock(() => lock.withLock(() => {}, { wait: 50 })));
    expect(message).toContain("take them together, with withLocks");
    expect(message).not.toContain("secret");
  });
});

describe("G8 what is noted of a process's own holds", () => {
  it("is forgotten when they are released, lost, or given up", async () => {
    const before = notedLocks();
    const lock = createLock(memoryPrimitives(freshId()));
    await lock.withLock(() => expect(notedLocks()).toBe(before + 1));
    const held = await lock.hold({ maxHold: 20 });
    await new Promise((resolve) => held.signal.addEventListener("abort", resolve));
    expect(notedLocks()).toBe(before);
  });

  it("accuses nobody of a hold whose request has ended without a release", async () => {
    const id = freshId();
    // The body is read, because a request whose answer nobody reads may live on.
    await (await exports.default.fetch(`https://locks.example/hold?id=${id}&ttl=1000`)).text();
    expect(await lockOf(id).isLocked()).toBe(true);
    await expect.poll(() => lockOf(id).isLocked(), { timeout: 10_000 }).toBe(false);
    await lockOf(id).acquire(60_000);
    expect(await messageOf(lockOf(id).withLock(() => {}, { wait: 50 }))).not.toMatch(/itself/);
  });

  it("does not gather, though the requests of most holds end without a release", () => {
    const before = notedLocks();
    const now = performance.now();
    const clock = vi.spyOn(performance, "now");
    const abandoned = Array.from({ length: 1_000 }, (_, n) => {
      // Each is taken when the one before has run out, and nothing of that one runs any longer.
      clock.mockReturnValue(now + n * 1_000);
      const validity = { deadline: 1, validFor: 1_000, validUntil: performance.now() + 1_000 };
      const lifetime = { lease: n + 1, ttl: 1_000, holdUntil: Number.POSITIVE_INFINITY, onReleaseRequested: () => {} };
      const keepAlive = new KeepAlive(lifetime, validity, () => new Promise(() => {}));
      noteHold(freshId(), n + 1, AT_LEAST, keepAlive);
      return keepAlive;
    });
    const left = notedLocks();
    clock.mockRestore();
    for (const keepAlive of abandoned) keepAlive.stop();
    expect(left).toBeLessThan(before + 100);
    expect(notedLocks()).toBeLessThanOrEqual(before);
  });

  it("can be read by another request while the hold lives", async () => {
    const [id, gate] = [freshId(), freshId()];
    const closed = await lockOf(gate).hold();
    const held = exports.default.fetch(`https://locks.example/hold?id=${id}&gate=${gate}`);
    await expect.poll(() => lockOf(id).isLocked(), { timeout: 10_000 }).toBe(true);
    expect(await messageOf(lockOf(id).withLock(() => {}, { wait: 50 }))).toMatch(ITSELF);
    await closed.release();
    await (await held).text();
  });
});
