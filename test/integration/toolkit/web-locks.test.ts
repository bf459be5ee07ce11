import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { type WebLock, webLocks } from "../../../src/index.ts";
import { connectionLost, faultyNamespace, losingReplies } from "../../support/faulty-namespace.ts";
import { crash, freshId, leaseOf, lockOf, outcome, sleep, stubOf, untilWaiting } from "../../support/locks.ts";

const empty = { locked: false, holders: [], waiters: [] };

/** A callback that holds the lock until `finish` is called. */
function holding() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { promise: granted, resolve: grant } = Promise.withResolvers<WebLock>();
  const callback = async (lock: WebLock | null) => {
    grant(lock as WebLock);
    await promise;
    return "done";
  };
  return { callback, granted, finish: resolve };
}

// Concurrent: most tests only wait for time to pass, and each has its own locks.
describe.concurrent("webLocks: request", () => {
  it("request runs the callback under the lock and settles as the callback does.", async () => {
    const locks = webLocks(env.DURABLE_LOCK);
    const name = freshId();
    const value = await locks.request(name, async (lock) => {
      expect(lock).toMatchObject({ name, mode: "exclusive" });
      expect((await stubOf(name).status()).holders).toMatchObject([{ lease: lock?.lease, exclusive: true }]);
      return 7;
    });
    expect(value).toBe(7);
    expect(await outcome(locks.request(name, () => Promise.reject(new Error("broken"))))).toMatchObject({
      error: { message: "broken" },
    });
    expect(await stubOf(name).status()).toEqual(empty);
  });

  it("G1: Exclusive requests exclude across managers, and shared requests share.", async () => {
    const [one, other] = [webLocks(env.DURABLE_LOCK), webLocks(env.DURABLE_LOCK)];
    const name = freshId();
    const [first, second, third] = [holding(), holding(), holding()];
    const done = [
      one.request(name, { mode: "shared" }, first.callback),
      other.request(name, { mode: "shared" }, second.callback),
    ];
    expect((await first.granted).mode).toBe("shared");
    await second.granted;
    const exclusive = other.request(name, third.callback);
    await untilWaiting(name, 1);
    first.finish();
    second.finish();
    await third.granted;
    third.finish();
    expect(await Promise.all([...done, exclusive])).toEqual(["done", "done", "done"]);
  });

  it("With ifAvailable, request calls back with null if the lock is taken.", async () => {
    const locks = webLocks(env.DURABLE_LOCK);
    const name = freshId();
    expect(await locks.request(name, { ifAvailable: true }, (lock) => lock?.name)).toBe(name);
    const held = holding();
    const done = locks.request(name, held.callback);
    await held.granted;
    expect(await locks.request(name, { ifAvailable: true }, (lock) => lock)).toBe(null);
    held.finish();
    await done;
  });

  it("An aborted signal removes a waiting request from the queue and does not affect a granted one.", async () => {
    const locks = webLocks(env.DURABLE_LOCK);
    const name = freshId();
    const held = holding();
    const abort = new AbortController();
    const done = locks.request(name, { signal: abort.signal }, held.callback);
    await held.granted;
    const waiting = outcome(locks.request(name, { signal: abort.signal }, () => {}));
    await untilWaiting(name, 1);
    abort.abort();
    expect(await waiting).toMatchObject({ error: { name: "AbortError" } });
    expect((await stubOf(name).status()).waiters).toEqual([]);
    held.finish();
    expect(await done).toBe("done");
  });

  it.each([
    [{ mode: "no" }, "TypeError"],
    [{ signal: 1 }, "TypeError"],
    [{ steal: true, ifAvailable: true }, "NotSupportedError"],
    [{ steal: true, mode: "shared" }, "NotSupportedError"],
    [{ steal: true, signal: new AbortController().signal }, "NotSupportedError"],
    [{ ifAvailable: true, signal: new AbortController().signal }, "NotSupportedError"],
  ])("G9: request refuses %o with a %s, as the standard requires, and takes nothing.", async (options, name) => {
    const id = freshId();
    const run = vi.fn();
    const { error } = await outcome(webLocks(env.DURABLE_LOCK).request(id, options as object, run));
    expect(error).toMatchObject({ name });
    expect(run).not.toHaveBeenCalled();
    expect(await stubOf(id).status()).toEqual(empty);
  });

  it("G9: request refuses a name that begins with a hyphen, and a callback that is not a function.", async () => {
    const locks = webLocks(env.DURABLE_LOCK);
    expect(await outcome(locks.request("-x", () => {}))).toMatchObject({ error: { name: "NotSupportedError" } });
    expect(await outcome(locks.request(freshId(), {}, 1 as never))).toMatchObject({ error: { name: "TypeError" } });
  });
});

describe.concurrent("webLocks: steal", () => {
  it.each([false, true])(
    "A stolen request rejects with AbortError while its callback runs on (releaseOnExit: %s).",
    async (releaseOnExit) => {
      const name = freshId();
      const victims = webLocks(env.DURABLE_LOCK, { ttl: releaseOnExit ? 60_000 : 3_000, releaseOnExit });
      const held = holding();
      const victim = outcome(victims.request(name, held.callback));
      const stolen = await held.granted;
      const lease = await webLocks(env.DURABLE_LOCK).request(name, { steal: true }, (lock) => lock?.lease);
      expect(lease).toBeGreaterThan(stolen.lease);
      expect(await victim).toMatchObject({
        error: { name: "AbortError", cause: { code: "LEASE_LOST", why: "superseded" } },
      });
      expect(stolen.signal.reason).toMatchObject({ why: "superseded" });
      held.finish();
    },
  );

  it("steal overtakes the waiters, which keep their order.", async () => {
    const name = freshId();
    const locks = webLocks(env.DURABLE_LOCK, { ttl: 2_000 });
    const held = holding();
    const victim = outcome(locks.request(name, held.callback));
    await held.granted;
    const order: string[] = [];
    const first = locks.request(name, () => void order.push("first"));
    await untilWaiting(name, 1);
    const second = locks.request(name, () => void order.push("second"));
    await untilWaiting(name, 2);
    await locks.request(name, { steal: true }, () => void order.push("thief"));
    await Promise.all([first, second]);
    expect(order).toEqual(["thief", "first", "second"]);
    held.finish();
    await victim;
  });

  it("G5: A steal whose reply is lost steals once.", async () => {
    const name = freshId();
    const { namespace } = faultyNamespace(losingReplies(["acquire"]));
    await lockOf(name).acquire(60_000);
    const lease = await webLocks(namespace).request(name, { steal: true }, async (lock) => {
      expect((await stubOf(name).status()).holders).toMatchObject([{ lease: lock?.lease }]);
      return lock?.lease;
    });
    expect(lease).toBeGreaterThan(0);
  });
});

describe.concurrent("webLocks: faults", () => {
  it("When the lease of a dead holder expires, the next request is granted.", async () => {
    const name = freshId();
    await leaseOf(lockOf(name).acquire(300));
    expect(await webLocks(env.DURABLE_LOCK).request(name, () => "in")).toBe("in");
  });

  it("Held and waiting requests survive a restart of the object.", async () => {
    const name = freshId();
    const locks = webLocks(env.DURABLE_LOCK);
    const held = holding();
    const done = locks.request(name, held.callback);
    await held.granted;
    const next = locks.request(name, () => "next");
    await untilWaiting(name, 1);
    await crash(name);
    await untilWaiting(name, 1);
    held.finish();
    expect(await Promise.all([done, next])).toEqual(["done", "next"]);
  });
});

describe.concurrent("webLocks: order", () => {
  it.each(["exclusive", "shared"] as const)(
    "G4: Requests are granted in the order in which they were made, even if the first call is late (%s).",
    async (mode) => {
      const name = freshId();
      const isLate = vi.fn().mockReturnValueOnce(true);
      const { namespace } = faultyNamespace(async (method, run) => {
        if (method === "acquireOrQueue" && isLate()) throw connectionLost();
        return run();
      });
      const [locks, order] = [webLocks(namespace), [] as number[]];
      await Promise.all([1, 2, 3].map((n) => locks.request(name, { mode }, () => order.push(n))));
      expect(order).toEqual([1, 2, 3]);
    },
  );

  it("G4: Requests with ifAvailable and steal keep the order in which they were made.", async () => {
    const name = freshId();
    const isLate = vi.fn().mockReturnValueOnce(true);
    const { namespace } = faultyNamespace(async (_method, run) => {
      if (isLate()) await sleep(300);
      return run();
    });
    const [locks, held] = [webLocks(namespace), holding()];
    const first = outcome(locks.request(name, held.callback));
    const second = locks.request(name, { ifAvailable: true }, (lock) => lock);
    const third = locks.request(name, { steal: true }, (lock) => lock?.lease);
    expect(await second).toBe(null);
    expect(await third).toBeGreaterThan((await held.granted).lease);
    expect(await first).toMatchObject({ error: { name: "AbortError", cause: { why: "superseded" } } });
    held.finish();
  });
});

describe.concurrent("webLocks: query", () => {
  it("query() lists this manager's requests, and query(name) lists all requests at the object.", async () => {
    const name = freshId();
    const [mine, theirs] = [webLocks(env.DURABLE_LOCK), webLocks(env.DURABLE_LOCK)];
    const held = holding();
    const done = mine.request(name, held.callback);
    await held.granted;
    const waiting = theirs.request(name, { mode: "shared" }, () => {});
    await untilWaiting(name, 1);
    expect(await mine.query()).toMatchObject({ held: [{ name, mode: "exclusive" }], pending: [] });
    expect(await theirs.query()).toMatchObject({ held: [], pending: [{ name, mode: "shared" }] });
    const truth = { held: [{ name, mode: "exclusive" }], pending: [{ name, mode: "shared" }] };
    expect(await mine.query(name)).toMatchObject(truth);
    expect(await theirs.query(name)).toEqual(await mine.query(name));
    held.finish();
    await Promise.all([done, waiting]);
    expect(await mine.query()).toEqual({ held: [], pending: [] });
    expect(await theirs.query()).toEqual({ held: [], pending: [] });
  });
});
