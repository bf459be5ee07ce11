import { exports } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { KeepAlive } from "../../../src/hold/keep-alive.ts";
import { AT_LEAST, notedLocks, noteHold } from "../../../src/hold/own-holds.ts";
import { createLock, createReadWriteLock, createSemaphore, once, withLocks } from "../../../src/index.ts";
import { failureOf, freshId, lockOf, sleep, untilWaiting } from "../../support/locks.ts";
import { memoryPrimitives } from "../../support/memory-primitives.ts";

const messageOf = async (call: Promise<unknown>) => ((await failureOf(call)) as Error | undefined)?.message;
const ITSELF = /This process itself has held it since 20..-.*Z\. .*pass `held` on instead of nesting/;

describe("Lock that waits for its own hold", () => {
  it("G11 A lock that is taken again under its own hold times out with a message that says so, since when, and what to do.", async () => {
    const id = freshId();
    const before = Date.now();
    const error = await failureOf(lockOf(id).withLock(() => lockOf(id).withLock(() => {}, { wait: 50 })));
    expect(error).toMatchObject({ code: "LOCK_TIMEOUT", message: expect.stringMatching(ITSELF) });
    const [, since = ""] = /since (\S+)\. /.exec((error as Error).message) ?? [];
    expect(Date.parse(since)).toBeGreaterThanOrEqual(before - 1);
    expect(Date.parse(since)).toBeLessThanOrEqual(Date.now() + 1);
  });

  it("G11 The timeout blames the process's own hold for a job that waits for its own result, and for one of many locks.", async () => {
    const id = freshId();
    const job = lockOf(id);
    expect(await messageOf(once(job, () => once(job, () => {}, { wait: 50 })))).toMatch(ITSELF);
    const nested = job.withLock(() => withLocks([lockOf(freshId()), job], () => {}, { wait: 200 }));
    expect(await messageOf(nested)).toMatch(ITSELF);
  });

  it("G11 The timeout blames the process's own hold for a lease that was resumed.", async () => {
    const lock = lockOf(freshId());
    const taken = await lock.acquire(60_000);
    if (!taken.success) throw new Error(taken.reason);
    const held = await lock.resume(taken.lease);
    expect(await messageOf(lock.withLock(() => {}, { wait: 50 }))).toMatch(ITSELF);
    await held.release();
  });

  it("G11 The timeout blames the process's own hold between its reader and its writer, but not after a downgrade.", async () => {
    const { read, write, downgrade } = createReadWriteLock(lockOf(freshId()).primitives);
    expect(await messageOf(read.withLock(() => write.withLock(() => {}, { wait: 50 })))).toMatch(ITSELF);
    expect(await messageOf(write.withLock(() => read.withLock(() => {}, { wait: 50 })))).toMatch(ITSELF);
    const downgraded = write.withLock(async (held) => {
      await downgrade(held);
      return await read.withLock(() => "read", { wait: 50 });
    });
    expect(await downgraded).toBe("read");
  });

  it("G11 The timeout blames the process's own hold of a semaphore only if its own permits leave no room.", async () => {
    const { primitives } = lockOf(freshId());
    const semaphore = createSemaphore(primitives, { permits: 2 });
    const nested = semaphore.withPermits(2, () => semaphore.withLock(() => {}, { wait: 50 }));
    expect(await messageOf(nested)).toMatch(ITSELF);
    // As if another process took it: this process keeps no record of its permits.
    const other = await semaphore.acquire(60_000);
    expect(other.success).toBe(true);
    const beside = await messageOf(semaphore.withLock(() => semaphore.withLock(() => {}, { wait: 50 })));
    expect(beside).toContain("was not granted within 50 ms");
    expect(beside).not.toMatch(/itself/);
  });
});

describe("Lock that others hold", () => {
  it("G11 The timeout does not blame this process for a lock that others hold.", async () => {
    const lock = lockOf(freshId());
    await lock.acquire(60_000);
    const message = await messageOf(lock.withLock(() => {}, { wait: 50 }));
    expect(message).not.toMatch(/itself|withLocks/);
  });

  it("G11 The timeout does not blame this process for a lock that it took and gave back during the wait.", async () => {
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

  it("G11 The timeout under another lock hints at withLocks and does not show the other lock's id.", async () => {
    const outer = freshId("a-secret-of-another-user");
    const lock = lockOf(freshId());
    await lock.acquire(60_000);
    const message = await messageOf(lockOf(outer).withLock(() => lock.withLock(() => {}, { wait: 50 })));
    expect(message).toContain("take them together, with withLocks");
    expect(message).not.toContain("secret");
  });
});

describe("Record of a process's own holds", () => {
  it("G8 The record of a hold is removed when the hold is released, lost or given up.", async () => {
    const before = notedLocks();
    const lock = createLock(memoryPrimitives(freshId()));
    await lock.withLock(() => expect(notedLocks()).toBe(before + 1));
    const held = await lock.hold({ maxHold: 20 });
    await new Promise((resolve) => held.signal.addEventListener("abort", resolve));
    expect(notedLocks()).toBe(before);
  });

  it("G8 A hold whose request ended without a release is not blamed for a timeout.", async () => {
    const id = freshId();
    // Read the body: a request whose response is never read may live on.
    await (await exports.default.fetch(`https://locks.example/hold?id=${id}&ttl=1000`)).text();
    expect(await lockOf(id).isLocked()).toBe(true);
    await expect.poll(() => lockOf(id).isLocked(), { timeout: 10_000 }).toBe(false);
    await lockOf(id).acquire(60_000);
    expect(await messageOf(lockOf(id).withLock(() => {}, { wait: 50 }))).not.toMatch(/itself/);
  });

  it("G8 Records of holds do not pile up, even if most requests end without a release.", () => {
    const before = notedLocks();
    const now = performance.now();
    const clock = vi.spyOn(performance, "now");
    const abandoned = Array.from({ length: 1_000 }, (_, n) => {
      // Each lease is taken after the one before has run out and its request has ended.
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

  it("G8 Another request can read the record of a hold while the hold lives.", async () => {
    const [id, gate] = [freshId(), freshId()];
    const closed = await lockOf(gate).hold();
    const held = exports.default.fetch(`https://locks.example/hold?id=${id}&gate=${gate}`);
    await expect.poll(() => lockOf(id).isLocked(), { timeout: 10_000 }).toBe(true);
    expect(await messageOf(lockOf(id).withLock(() => {}, { wait: 50 }))).toMatch(ITSELF);
    await closed.release();
    await (await held).text();
  });
});
