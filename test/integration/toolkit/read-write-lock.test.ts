import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { type ReadWriteLock, useReadWriteLock } from "../../../src/index.ts";
import { faultyNamespace, losingReplies } from "../../support/faulty-namespace.ts";
import { crash, freshId, leaseOf, lockOf, outcome, stubOf, untilWaiting } from "../../support/locks.ts";

const lockOn = (id: string, namespace = env.DURABLE_LOCK): ReadWriteLock => useReadWriteLock(namespace, id);
const modes = async (id: string) => (await stubOf(id).status()).holders.map(({ exclusive }) => exclusive);

// At once: most of a test is waiting for time to pass, and each has locks of its own.
describe.concurrent("G1 a read-write lock", () => {
  it("shares among readers, and with no writer", async () => {
    const { read, write } = lockOn(freshId());
    const readers = await Promise.all([read.hold(), read.hold(), read.hold()]);
    expect(await write.acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    await Promise.all(readers.map((reader) => reader.release()));
    const writer = await write.hold();
    expect(await read.acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    expect(await write.acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    await writer.release();
  });

  it("is the same object as a plain lock of its id", async () => {
    const id = freshId();
    const writer = await lockOn(id).write.hold();
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    await writer.release();
  });

  it("lets a writer in when a reader that died has had its time", async () => {
    const { read, write } = lockOn(freshId());
    await read.acquire(300);
    expect(await write.withLock(() => "in")).toBe("in");
  });
});

describe.concurrent("G4 a read-write lock", () => {
  it("lets no reader past a writer that waits", async () => {
    const id = freshId();
    const { read, write } = lockOn(id);
    const first = await read.hold();
    const order: string[] = [];
    const writing = write.withLock(() => void order.push("writer"));
    await untilWaiting(id, 1);
    const reading = read.withLock(() => void order.push("reader"));
    await untilWaiting(id, 2);
    await first.release();
    await Promise.all([writing, reading]);
    expect(order).toEqual(["writer", "reader"]);
  });

  it("grants readers that stand in line one after another in one step", async () => {
    const id = freshId();
    const { read, write } = lockOn(id);
    const writer = await write.hold();
    const readers = Array.from({ length: 5 }, () => read.hold());
    await untilWaiting(id, 5);
    const last = write.hold();
    await untilWaiting(id, 6);
    await writer.release();
    const { holders, waiters } = await stubOf(id).status();
    expect(holders).toHaveLength(5);
    expect(waiters).toMatchObject([{ exclusive: true }]);
    for (const reader of await Promise.all(readers)) await reader.release();
    await (await last).release();
  });

  it("does not starve a writer however many readers keep coming", async () => {
    const id = freshId();
    const { read, write } = lockOn(id);
    const written = new AbortController();
    const reader = async () => {
      while (!written.signal.aborted) await read.withLock(() => {});
    };
    const readers = [reader(), reader(), reader(), reader()];
    await write.withLock(() => written.abort());
    await Promise.all(readers);
    expect(written.signal.aborted).toBe(true);
  });

  it("lets readers on when the writer that waited before them aborts", async () => {
    const id = freshId();
    const { read, write } = lockOn(id);
    const first = await read.hold();
    const abort = new AbortController();
    const writing = outcome(write.withLock(() => {}, { signal: abort.signal }));
    await untilWaiting(id, 1);
    const reading = read.withLock(() => "read");
    await untilWaiting(id, 2);
    abort.abort(new Error("enough"));
    expect(await writing).toMatchObject({ error: { message: "enough" } });
    expect(await reading).toBe("read");
    await first.release();
  });
});

describe.concurrent("downgrade", () => {
  it("makes a writer a reader under the same lease, with no gap for another writer", async () => {
    const id = freshId();
    const { read, write, downgrade } = lockOn(id);
    const held = await write.hold();
    const writing = write.withLock(() => "written");
    await untilWaiting(id, 1);
    await downgrade(held);
    expect(await stubOf(id).status()).toMatchObject({
      holders: [{ lease: held.lease, exclusive: false }],
      waiters: [{ exclusive: true }],
    });
    expect(await read.acquire(1_000)).toMatchObject({ success: false });
    expect(await held.release()).toBe(true);
    expect(await writing).toBe("written");
  });

  it("lets in the readers that stand next in line", async () => {
    const id = freshId();
    const { read, write, downgrade } = lockOn(id);
    const held = await write.hold();
    const readers = [read.hold(), read.hold()];
    await untilWaiting(id, 2);
    await downgrade(held);
    for (const reader of await Promise.all(readers)) await reader.release();
    expect(await held.release()).toBe(true);
  });

  it("of a reader changes nothing", async () => {
    const id = freshId();
    const { read, downgrade } = lockOn(id);
    const held = await read.hold();
    await downgrade(held);
    expect(await modes(id)).toEqual([false]);
    await held.release();
  });

  it("G3 of a lease that was lost rejects, revives nothing, and fires the signal", async () => {
    const id = freshId();
    const { write, downgrade } = lockOn(id);
    const held = await write.hold({ ttl: 60_000 });
    await write.forceRelease();
    expect(await outcome(downgrade(held))).toMatchObject({ error: { code: "LEASE_LOST", why: "superseded" } });
    expect(held.signal.aborted).toBe(true);
    expect(await modes(id)).toEqual([]);
  });

  it("of a hold that was released rejects", async () => {
    const { write, downgrade } = lockOn(freshId());
    const held = await write.hold();
    await held.release();
    expect(await outcome(downgrade(held))).toMatchObject({ error: { code: "LEASE_LOST" } });
  });

  it("G5 takes effect once though its reply was lost, and survives a restart of the object", async () => {
    const id = freshId();
    const { namespace, calls } = faultyNamespace(losingReplies(["convert"]));
    const { write, downgrade } = lockOn(id, namespace);
    const held = await write.hold();
    await downgrade(held);
    const requests = calls.filter(({ method }) => method === "convert").map(({ args }) => args[1]);
    expect(requests).toHaveLength(2);
    expect(requests[0]).toEqual(requests[1]);
    await crash(id);
    expect(await modes(id)).toEqual([false]);
    expect(await held.release()).toBe(true);
  });

  it("G5 a late duplicate does not undo what came after it", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOn(id).read.acquire(10_000));
    const stub = stubOf(id);
    const reader = { permits: 1, capacity: Infinity };
    expect(await stub.convert(lease, { requestId: "up" })).toMatchObject({ success: true });
    expect(await stub.convert(lease, { ...reader, requestId: "down" })).toMatchObject({ success: true });
    await crash(id);
    expect(await stubOf(id).convert(lease, { ...reader, requestId: "down" })).toMatchObject({ success: true });
    expect(await modes(id)).toEqual([false]);
  });
});

describe.concurrent("upgrade", () => {
  it("makes the only reader the writer, under the same lease", async () => {
    const id = freshId();
    const { read, upgrade } = lockOn(id);
    const held = await read.hold();
    expect(await upgrade(held)).toBe(true);
    expect(await modes(id)).toEqual([true]);
    expect(await read.acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    expect(await held.release()).toBe(true);
  });

  it("says no at once while there are other readers, so two who ask don't wait for each other", async () => {
    const id = freshId();
    const { read, upgrade } = lockOn(id);
    const [one, other] = [await read.hold(), await read.hold()];
    expect(await Promise.all([upgrade(one), upgrade(other)])).toEqual([false, false]);
    await other.release();
    expect(await upgrade(one)).toBe(true);
    await one.release();
  });

  it("G3 of a lease that was lost rejects", async () => {
    const id = freshId();
    const { read, upgrade } = lockOn(id);
    const held = await read.hold({ ttl: 60_000 });
    await read.forceRelease();
    expect(await outcome(upgrade(held))).toMatchObject({ error: { code: "LEASE_LOST", why: "superseded" } });
    expect(await modes(id)).toEqual([]);
  });

  it("G10 a refused one writes nothing, a granted one a row", async () => {
    const id = freshId();
    const { read, upgrade } = lockOn(id);
    const [one, other] = [await read.hold(), await read.hold()];
    await upgrade(one);
    await other.release();
    await upgrade(one);
    // What is on disk is what a restart finds.
    await crash(id);
    expect(await modes(id)).toEqual([true]);
    await one.release();
  });
});

describe.concurrent("G6 G7 a reader", () => {
  it("learns that its lease is lost, and withLock rejects", async () => {
    const { read } = lockOn(freshId());
    const done = outcome(
      read.withLock(
        async ({ signal }) => {
          await read.forceRelease();
          await vi.waitFor(() => expect(signal.aborted).toBe(true), { timeout: 10_000 });
        },
        { ttl: 6_000 },
      ),
    );
    expect(await done).toMatchObject({ error: { code: "LEASE_LOST", why: "superseded" } });
  });

  it("goes on through a restart of the object", async () => {
    const id = freshId();
    const { read, write } = lockOn(id);
    const readers = await Promise.all([read.hold(), read.hold()]);
    await crash(id);
    expect(await write.acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    expect(await Promise.all(readers.map((reader) => reader.release()))).toEqual([true, true]);
  });
});

describe.concurrent("G9 a read-write lock", () => {
  it.each(["permits", "capacity"])("refuses %s: what it takes is given", async (option) => {
    const { read, write } = lockOn(freshId());
    for (const lock of [read, write]) {
      const { error } = await outcome(lock.acquire(1_000, { [option]: 1 }));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: option });
    }
  });
});
