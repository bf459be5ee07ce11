import { runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import {
  crash,
  freshId,
  freshLock,
  leaseOf,
  lockOf,
  outcome,
  sleep,
  stubOf,
  untilWaiting,
  waiters,
} from "../../support/locks.ts";

const READ = { permits: 1, capacity: Number.POSITIVE_INFINITY };

/** Queues the owners one after the other. Each notes its grant and releases at once. */
async function queueUp(id: string, owners: string[], granted: string[], apart = 0): Promise<Promise<unknown>[]> {
  const runs: Promise<unknown>[] = [];
  for (const owner of owners) {
    if (apart > 0) await sleep(apart);
    runs.push(lockOf(id).withLock(() => granted.push(owner), { owner, wait: 15_000 }));
    await untilWaiting(id, runs.length);
  }
  return runs;
}

describe("G4 first come, first served", () => {
  it("Waiters are granted in the order of arrival.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(30_000));
    const granted: string[] = [];
    const runs = await queueUp(id, ["a", "b", "c", "d"], granted);
    expect(await waiters(id)).toEqual(["a", "b", "c", "d"]);
    await lockOf(id).release(lease);
    await Promise.all(runs);
    expect(granted).toEqual(["a", "b", "c", "d"]);
  });

  it("An acquire that does not wait never overtakes the queue, even if its claim would fit.", async () => {
    const id = freshId();
    const reader = await leaseOf(lockOf(id).acquire(30_000, READ));
    const writer = lockOf(id).acquire(30_000, { wait: 10_000 });
    await untilWaiting(id, 1);
    expect(await lockOf(id).acquire(1_000, READ)).toMatchObject({ reason: "BORROWED" });
    await lockOf(id).release(reader);
    expect(await writer).toMatchObject({ success: true });
  });

  it("A large claim at the head of the queue is not starved by small ones behind it.", async () => {
    const id = freshId();
    const lock = lockOf(id);
    const one = await leaseOf(lock.acquire(30_000, { permits: 1, capacity: 3 }));
    const large = lock.acquire(30_000, { permits: 3, capacity: 3, wait: 10_000 });
    await untilWaiting(id, 1);
    const small = lock.acquire(30_000, { permits: 1, capacity: 3, wait: 10_000 });
    await untilWaiting(id, 2);
    await lock.release(one);
    const largeLease = await leaseOf(large);
    expect(await waiters(id)).toHaveLength(1);
    await lock.release(largeLease);
    expect(await small).toMatchObject({ success: true });
  });

  it("Readers next to each other in the queue are granted in one step.", async () => {
    const id = freshId();
    const lock = lockOf(id);
    const writer = await leaseOf(lock.acquire(30_000));
    const readers = [1, 2, 3].map(() => lock.acquire(30_000, { ...READ, wait: 10_000 }));
    await untilWaiting(id, 3);
    await lock.release(writer);
    const { holders, waiters: left } = await lock.status();
    expect(holders).toHaveLength(3);
    expect(left).toHaveLength(0);
    expect(await Promise.all(readers)).toHaveLength(3);
  });

  it("A lock whose lease expires passes to the head of the queue without another call.", async () => {
    const id = freshId();
    const lock = lockOf(id);
    const dead = await leaseOf(lock.acquire(150));
    const next = lock.acquire(30_000, { wait: 10_000 });
    expect(await next).toMatchObject({ success: true });
    expect(await lock.release(dead)).toMatchObject({ reason: "NO_LONGER_VALID" });
  });

  it("Waiters come back after a crash and keep their order.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(30_000));
    const granted: string[] = [];
    // Further apart than calls may be delayed on their way back, because the order holds only to within that delay.
    const runs = await queueUp(id, ["a", "b", "c", "d", "e"], granted, 250);
    await crash(id);
    // Before the first waiter is back.
    expect(await lockOf(id).release(lease)).toBe(true);
    await Promise.all(runs);
    expect(granted).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("A caller whose context ends leaves the queue at once.", async () => {
    const id = freshId();
    await lockOf(id).acquire(30_000);
    expect(await (await exports.default.fetch(`http://worker/?id=${id}`)).text()).toBe("gone");
    await vi.waitFor(async () => expect(await waiters(id)).toEqual([]), { timeout: 10_000, interval: 5 });
  });

  it("A caller that aborts has left the queue when its call rejects.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(30_000));
    const controller = new AbortController();
    const waiting = outcome(lockOf(id).acquire(30_000, { wait: 10_000, signal: controller.signal }));
    await untilWaiting(id, 1);
    controller.abort(new Error("enough"));
    expect((await waiting).error).toMatchObject({ message: "enough" });
    expect(await waiters(id)).toEqual([]);
    expect(await lockOf(id).release(lease)).toBe(true);
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("A caller whose time is up leaves the queue and learns that the lock is taken.", async () => {
    const id = freshId();
    await lockOf(id).acquire(30_000);
    expect(await lockOf(id).acquire(1_000, { wait: 30 })).toMatchObject({ success: false, reason: "BORROWED" });
    expect(await waiters(id)).toEqual([]);
  });

  it("A cancellation that overtakes its request prevails.", async () => {
    const stub = stubOf(freshId());
    await stub.cancel("request");
    expect(await stub.acquire(1_000, { requestId: "request" })).toMatchObject({ reason: "NO_LONGER_VALID" });
    expect(await stub.isLocked()).toBe(false);
  });

  it("A grant that races with its cancellation is given back.", async () => {
    const stub = stubOf(freshId());
    await stub.acquire(30_000, { requestId: "request" });
    await stub.cancel("request");
    expect(await stub.isLocked()).toBe(false);
  });

  it("A caller that asks again for the same request keeps one queue entry, and both calls get its lease.", async () => {
    const id = freshId();
    const stub = stubOf(id);
    const lease = await leaseOf(stub.acquire(30_000));
    const first = outcome((async () => await stub.acquire(1_000, { wait: 9_000, requestId: "same", owner: "a" }))());
    await untilWaiting(id, 1);
    const other = stub.acquire(1_000, { wait: 9_000, owner: "b" });
    await untilWaiting(id, 2);
    const again = stub.acquire(1_000, { wait: 9_000, requestId: "same", owner: "a" });
    expect(await waiters(id)).toEqual(["a", "b"]);
    await stub.release(lease);
    const granted = await leaseOf((async () => await again)());
    expect((await first).value).toMatchObject({ success: true, lease: granted });
    await stub.release(granted);
    expect(await other).toMatchObject({ success: true });
  });

  it("A request that is repeated leaves the queue only with the last of its calls.", async () => {
    const id = freshId();
    await stubOf(id).acquire(30_000);
    const ask = async () => {
      const reply = await stubOf(id).acquireOrQueue(1_000, { wait: 9_000, requestId: "same", owner: "a" });
      if ("pendingGrant" in reply) return reply;
      throw new Error(`It does not wait: ${JSON.stringify(reply)}`);
    };
    const [first, second] = await Promise.all([ask(), ask()]);
    first.entry[Symbol.dispose]();
    expect((await first.pendingGrant.reply()).success).toBe(false);
    expect(await waiters(id)).toEqual(["a"]);
    second.entry[Symbol.dispose]();
    await vi.waitFor(async () => expect(await waiters(id)).toEqual([]), { timeout: 10_000, interval: 5 });
  });

  it("A long poll is answered after 25 s, and the queue entry is kept for a caller that returns.", async () => {
    const id = freshId();
    const stub = stubOf(id);
    await stub.acquire(86_400_000);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    try {
      const advance = (ms: number) => runInDurableObject(stub, () => vi.advanceTimersByTimeAsync(ms).then(() => {}));
      const ask = (owner: string) => stub.acquire(1_000, { wait: 600_000, requestId: owner, owner });
      const [a, b] = [ask("a"), ask("b")];
      // Concurrent calls may arrive in any order.
      while ((await waiters(id)).length < 2);
      await advance(25_000);
      expect(await a).toMatchObject({ reason: "BORROWED" });
      expect(await b).toMatchObject({ reason: "BORROWED" });
      const back = outcome((async () => await ask("b"))());
      expect(await waiters(id)).toEqual(["a", "b"]);
      // A waiter that does not come back within 2 s loses its queue entry.
      await advance(2_000);
      expect(await waiters(id)).toEqual(["b"]);
      await stub.cancel("b");
      await back;
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("G9 limits of the queue", () => {
  it("The object refuses the hundred and first call of one request while the others wait.", async () => {
    const stub = stubOf(freshId());
    await stub.acquire(60_000);
    await runInDurableObject(stub, async (lock) => {
      const repeat = () => lock.acquire(1_000, { wait: 60_000, requestId: "same" });
      const parked = Array.from({ length: 100 }, repeat);
      expect(await repeat()).toEqual({ success: false, reason: "QUEUE_FULL" });
      expect((await lock.status()).waiters).toHaveLength(1);
      await lock.cancel("same");
      await Promise.all(parked);
    });
  });
});

describe("G8 nothing leaks in the object", () => {
  it("The object has no timer while no call waits.", async () => {
    const id = freshId();
    const lock = lockOf(id);
    const set = vi.spyOn(globalThis, "setTimeout");
    const clear = vi.spyOn(globalThis, "clearTimeout");
    try {
      const lease = await leaseOf(stubOf(id).acquire(60_000));
      const waiting = stubOf(id).acquire(60_000, { wait: 20_000 });
      await vi.waitFor(async () => expect(await waiters(id)).toHaveLength(1), { timeout: 10_000, interval: 20 });
      const wakes = set.mock.results
        .filter((_, call) => (set.mock.calls[call]?.[1] ?? 0) > 15_000)
        .map(({ value }) => value);
      expect(wakes).toHaveLength(1);
      await stubOf(id).release(lease);
      expect(await waiting).toMatchObject({ success: true });
      expect(clear.mock.calls.map(([timer]) => timer)).toContain(wakes[0]);
    } finally {
      set.mockRestore();
      clear.mockRestore();
    }
    expect(await lock.isLocked()).toBe(true);
  });

  it("The object keeps no waiter, parked call or lease once every call has settled.", async () => {
    const lock = freshLock();
    await Promise.all(Array.from({ length: 50 }, () => lock.withLock(() => {})));
    expect(await lock.status()).toEqual({ locked: false, holders: [], waiters: [] });
  });
});
