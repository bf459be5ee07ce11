// Replays of what users of other libraries reported. docs/correctness.md lists them: "Bugs of others, tried here".
import { env, exports } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createLock, useReadWriteLock, webLocks, withLocks } from "../../../src/index.ts";
import { rpcPrimitives } from "../../../src/transport/rpc/rpc-primitives.ts";
import { connectionLost, faultyNamespace } from "../../support/faulty-namespace.ts";
import { changeableLimits } from "../../support/limits.ts";
import { failureOf, freshId, leaseOf, lockOf, outcome, untilWaiting, waiters } from "../../support/locks.ts";

const SOON = { timeout: 10_000, interval: 5 };
const limit = changeableLimits();

afterEach(() => {
  vi.restoreAllMocks();
});

/** A lock that another caller holds for an hour. */
async function taken() {
  const id = freshId();
  return { id, lock: lockOf(id), lease: await leaseOf(lockOf(id).acquire(3_600_000)) };
}

describe("mike-marcacci/node-redlock#86", () => {
  it("a waiting acquire is cancelled by its signal, and has left the queue when it rejects", async () => {
    const { id, lock, lease } = await taken();
    const abort = new AbortController();
    const reason = new Error("an event made it pointless");
    const waiting = failureOf(lock.withLock(() => {}, { wait: Infinity, signal: abort.signal }));
    await untilWaiting(id, 1);
    abort.abort(reason);
    expect(await waiting).toBe(reason);
    expect(await waiters(id)).toEqual([]);
    await lock.release(lease);
    expect(await lock.isLocked()).toBe(false);
  });
});

describe("mike-marcacci/node-redlock#19", () => {
  it("a lock that is taken and an object that can't be reached give different codes", async () => {
    const { lock } = await taken();
    const { namespace } = faultyNamespace(() =>
      Promise.reject(Object.assign(new Error("Too many requests queued."), { overloaded: true })),
    );
    expect(await failureOf(lock.withLock(() => {}, { wait: 5 }))).toMatchObject({ code: "LOCK_TIMEOUT" });
    expect(await failureOf(lockOf(freshId(), namespace).withLock(() => {}, { wait: 5 }))).toMatchObject({
      code: "UNREACHABLE",
    });
  });
});

describe("mike-marcacci/node-redlock#289", () => {
  it("a lock that is taken can be skipped by one call, without a wait and without an error", async () => {
    const { id } = await taken();
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    const work = vi.fn();
    expect(await lockOf(id, namespace).tryWithLock(work)).toMatchObject({ acquired: false, reason: "BORROWED" });
    expect(work).not.toHaveBeenCalled();
    expect(calls.map(({ method }) => method)).toEqual(["acquire"]);
  });
});

describe("mike-marcacci/node-redlock#12", () => {
  it("whether a lock is taken, by whom and until when can be asked from elsewhere, and asking takes nothing", async () => {
    const id = freshId();
    const held = await lockOf(id).hold({ owner: "the nightly import" });
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    const elsewhere = lockOf(id, namespace);
    expect(await elsewhere.isLocked()).toBe(true);
    expect((await elsewhere.status()).holders).toMatchObject([
      { owner: "the nightly import", lease: held.lease, deadline: held.deadline },
    ]);
    await held.release();
    expect(await elsewhere.isLocked()).toBe(false);
    expect(calls.map(({ method }) => method)).toEqual(["isLocked", "status", "isLocked"]);
  });
});

describe("errorception/redis-lock#39", () => {
  it("a request that is abandoned while it waits leaves the queue, and does not hold up those behind it", async () => {
    const { id, lock, lease } = await taken();
    for (let request = 0; request < 5; request += 1) await exports.default.fetch(`http://worker/?id=${id}`);
    const next = lock.acquire(1_000, { wait: 20_000, owner: "alive" });
    await vi.waitFor(async () => expect(await waiters(id)).toEqual(["alive"]), SOON);
    await lock.release(lease);
    expect(await next).toMatchObject({ success: true });
  });
});

describe("comet-ml/opik#7118", () => {
  it("the queue is bounded, and can be seen with how long each waiter has waited", async () => {
    limit({ maxWaiters: 2 });
    const { id, lock } = await taken();
    const abort = new AbortController();
    const waiting = [1, 2].map(() => outcome(lock.acquire(1_000, { wait: 20_000, signal: abort.signal })));
    await untilWaiting(id, 2);
    expect(await failureOf(lock.withLock(() => {}))).toMatchObject({ code: "QUEUE_FULL" });
    expect((await lock.status()).waiters).toMatchObject([
      { waited: expect.any(Number) as number },
      { waited: expect.any(Number) as number },
    ]);
    abort.abort();
    await Promise.all(waiting);
  });
});

describe("redisson/redisson#5761", () => {
  it("a waiter whose grant was lost on its way gets it by asking again, and does not sleep on", async () => {
    const { id, lock, lease } = await taken();
    const real = rpcPrimitives(env.DURABLE_LOCK, id);
    let lost = 0;
    const deaf = createLock({
      ...real,
      acquire: async (request) => {
        const reply = await real.acquire(request);
        if ((lost += 1) === 1) throw connectionLost();
        return reply;
      },
    });
    const waiting = deaf.acquire(60_000, { wait: 20_000 });
    await untilWaiting(id, 1);
    await lock.release(lease);
    const granted = await leaseOf(waiting);
    expect(lost).toBe(2);
    expect((await lock.status()).holders).toMatchObject([{ lease: granted }]);
  });
});

describe("redisson/redisson#3573", () => {
  it("a writer gets its turn although readers keep coming and never leave a gap", async () => {
    const { read, write } = useReadWriteLock(env.DURABLE_LOCK, freshId());
    const reader = await read.hold();
    const order: string[] = [];
    const writing = write.withLock(() => order.push("the writer"), { wait: 20_000 });
    await untilWaiting(read.id, 1);
    const later: Promise<unknown>[] = [];
    for (let number = 1; number <= 10; number += 1) {
      later.push(read.withLock(() => order.push(`reader ${number}`), { wait: 20_000 }));
      await untilWaiting(read.id, number + 1);
    }
    await reader.release();
    await Promise.all([writing, ...later]);
    expect(order[0]).toBe("the writer");
  });
});

describe("hashicorp/consul#1006", () => {
  it("each of eight that wait for short work is handed the lock by its one call, in turn", async () => {
    const { id, lock, lease } = await taken();
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    const order: number[] = [];
    const runs: Promise<unknown>[] = [];
    for (let command = 0; command < 8; command += 1) {
      runs.push(lockOf(id, namespace).withLock(() => order.push(command), { wait: 20_000 }));
      await untilWaiting(id, command + 1);
    }
    await lock.release(lease);
    await Promise.all(runs);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const methods = calls.map(({ method }) => method);
    expect(methods.filter((method) => method === "acquireOrQueue")).toHaveLength(8);
    expect(methods.filter((method) => method === "release")).toHaveLength(8);
    expect(methods).toHaveLength(16);
  });
});

describe("w3c/web-locks#79", () => {
  it("an abort after the lock was granted neither rejects the request nor takes the lock away", async () => {
    const name = freshId();
    const abort = new AbortController();
    const value = await webLocks(env.DURABLE_LOCK).request(name, { signal: abort.signal }, async (granted) => {
      abort.abort();
      await lockOf(name).status();
      return { aborted: granted?.signal.aborted, locked: await lockOf(name).isLocked() };
    });
    expect(value).toEqual({ aborted: false, locked: true });
  });
});

describe("w3c/web-locks#26", () => {
  it("two who take the same locks in opposite orders never wait for each other", async () => {
    const [a, b] = [lockOf(freshId()), lockOf(freshId())];
    const rounds = Array.from({ length: 10 }, (_, round) =>
      withLocks(round % 2 === 0 ? [a, b] : [b, a], () => round, { wait: 20_000 }),
    );
    expect(await Promise.all(rounds)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("two who nest them crosswise are freed from each other by the end of their wait", async () => {
    const [a, b] = [lockOf(freshId()), lockOf(freshId())];
    const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const crosswise = [a, b].map((outer, index) =>
      failureOf(
        outer.withLock(async () => {
          both[index]?.resolve();
          await Promise.all(both.map(({ promise }) => promise));
          return (index === 0 ? b : a).withLock(() => "never", { wait: 50 });
        }),
      ),
    );
    const [one, other] = await Promise.all(crosswise);
    // When one waiter gives up, the other may get the lock.
    expect([one, other]).toContainEqual(expect.objectContaining({ code: "LOCK_TIMEOUT" }));
    expect([await a.isLocked(), await b.isLocked()]).toEqual([false, false]);
  });
});
