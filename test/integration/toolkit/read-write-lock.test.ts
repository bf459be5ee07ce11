import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { type ReadWriteLock, useReadWriteLock } from "../../../src/index.ts";
import { faultyNamespace, losingReplies } from "../../support/faulty-namespace.ts";
import { crash, freshId, leaseOf, lockOf, outcome, stubOf, untilWaiting } from "../../support/locks.ts";

const lockOn = (id: string, namespace = env.DURABLE_LOCK): ReadWriteLock => useReadWriteLock(namespace, id);
const modes = async (id: string) => (await stubOf(id).status()).holders.map(({ exclusive }) => exclusive);

// Concurrent: most tests only wait for time to pass, and each has its own locks.
describe.concurrent("Admission to a read-write lock", () => {
  it("G1: Readers share a read-write lock with each other and not with a writer.", async () => {
    const { read, write } = lockOn(freshId());
    const readers = await Promise.all([read.hold(), read.hold(), read.hold()]);
    expect(await write.acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    await Promise.all(readers.map((reader) => reader.release()));
    const writer = await write.hold();
    expect(await read.acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    expect(await write.acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    await writer.release();
  });

  it("G1: A read-write lock and a plain lock of the same id are the same object.", async () => {
    const id = freshId();
    const writer = await lockOn(id).write.hold();
    expect(await lockOf(id).acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    await writer.release();
  });

  it("G1: A writer gets the lock when the lease of a dead reader has expired.", async () => {
    const { read, write } = lockOn(freshId());
    await read.acquire(300);
    expect(await write.withLock(() => "in")).toBe("in");
  });
});

describe.concurrent("The queue of a read-write lock", () => {
  it("G4: No reader overtakes a waiting writer.", async () => {
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

  it("G4: Readers that are next to each other in the queue are granted in one step.", async () => {
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

  it("G4: A writer does not starve, however many readers keep coming.", async () => {
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

  it("G4: When a waiting writer aborts, the readers behind it are granted.", async () => {
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
  it("downgrade makes a writer a reader under the same lease, and no other writer can come in between.", async () => {
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

  it("downgrade admits the readers that are next in the queue.", async () => {
    const id = freshId();
    const { read, write, downgrade } = lockOn(id);
    const held = await write.hold();
    const readers = [read.hold(), read.hold()];
    await untilWaiting(id, 2);
    await downgrade(held);
    for (const reader of await Promise.all(readers)) await reader.release();
    expect(await held.release()).toBe(true);
  });

  it("downgrade of a reader changes nothing.", async () => {
    const id = freshId();
    const { read, downgrade } = lockOn(id);
    const held = await read.hold();
    await downgrade(held);
    expect(await modes(id)).toEqual([false]);
    await held.release();
  });

  it("G3: downgrade of a lost lease rejects, revives nothing and fires the signal.", async () => {
    const id = freshId();
    const { write, downgrade } = lockOn(id);
    const held = await write.hold({ ttl: 60_000 });
    await write.forceRelease();
    expect(await outcome(downgrade(held))).toMatchObject({ error: { code: "LEASE_LOST", why: "superseded" } });
    expect(held.signal.aborted).toBe(true);
    expect(await modes(id)).toEqual([]);
  });

  it("downgrade of a released hold rejects.", async () => {
    const { write, downgrade } = lockOn(freshId());
    const held = await write.hold();
    await held.release();
    expect(await outcome(downgrade(held))).toMatchObject({ error: { code: "LEASE_LOST" } });
  });

  it("G5: A downgrade whose reply is lost takes effect once and survives a restart of the object.", async () => {
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

  it("G5: A late duplicate of a conversion does not undo what came after it.", async () => {
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
  it("upgrade makes the only reader the writer under the same lease.", async () => {
    const id = freshId();
    const { read, upgrade } = lockOn(id);
    const held = await read.hold();
    expect(await upgrade(held)).toBe(true);
    expect(await modes(id)).toEqual([true]);
    expect(await read.acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    expect(await held.release()).toBe(true);
  });

  it("upgrade returns false at once while there are other readers, so two callers never wait for each other.", async () => {
    const id = freshId();
    const { read, upgrade } = lockOn(id);
    const [one, other] = [await read.hold(), await read.hold()];
    expect(await Promise.all([upgrade(one), upgrade(other)])).toEqual([false, false]);
    await other.release();
    expect(await upgrade(one)).toBe(true);
    await one.release();
  });

  it("G3: upgrade of a lost lease rejects.", async () => {
    const id = freshId();
    const { read, upgrade } = lockOn(id);
    const held = await read.hold({ ttl: 60_000 });
    await read.forceRelease();
    expect(await outcome(upgrade(held))).toMatchObject({ error: { code: "LEASE_LOST", why: "superseded" } });
    expect(await modes(id)).toEqual([]);
  });

  it("G10: A refused upgrade writes nothing, and a granted upgrade writes a row that a restart finds.", async () => {
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

describe.concurrent("A reader's hold", () => {
  it("G6, G7: A reader learns that its lease is lost, and withLock rejects.", async () => {
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

  it("G6: Readers keep their leases through a restart of the object.", async () => {
    const id = freshId();
    const { read, write } = lockOn(id);
    const readers = await Promise.all([read.hold(), read.hold()]);
    await crash(id);
    expect(await write.acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    expect(await Promise.all(readers.map((reader) => reader.release()))).toEqual([true, true]);
  });
});

describe.concurrent("Bad options of a read-write lock", () => {
  it.each(["permits", "capacity"])(
    "G9: A reader and a writer refuse %s, because the lock itself decides what they take.",
    async (option) => {
      const { read, write } = lockOn(freshId());
      for (const lock of [read, write]) {
        const { error } = await outcome(lock.acquire(1_000, { [option]: 1 }));
        expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: option });
      }
    },
  );
});
