import { afterAll, describe, expect, it, vi } from "vitest";
import { type Leader, type Lock, lead, observe } from "../../../src/index.ts";
import { type Fault, connectionLost, faultyNamespace } from "../../support/faulty-namespace.ts";
import { countLeaks, countedSignal } from "../../support/leaks.ts";
import { crash, freshId, freshLock, leaseOf, lockOf, outcome, untilWaiting } from "../../support/locks.ts";

interface Observer {
  seen: (Leader | undefined)[];
  stop: AbortController;
  done: Promise<{ error?: unknown }>;
}

/** Makes observers that write down what they see, and ends them with the group of tests that calls this. */
function observers(): (lock: Lock) => Observer {
  const all: Observer[] = [];
  afterAll(async () => {
    for (const { stop } of all) stop.abort();
    await Promise.all(all.map(({ done }) => done));
  });
  return (lock) => {
    const stop = new AbortController();
    const seen: Observer["seen"] = [];
    const done = outcome(
      (async () => {
        for await (const leader of observe(lock, { signal: stop.signal })) seen.push(leader);
      })(),
    );
    all.push({ seen, stop, done });
    return { seen, stop, done };
  };
}

/** Waits until the terms that were seen are these, 0 for nobody. */
async function untilSeen({ seen }: Observer, ...terms: number[]): Promise<void> {
  await vi.waitFor(() => expect(seen.map((leader) => leader?.term ?? 0)).toEqual(terms), {
    timeout: 15_000,
    interval: 5,
  });
}

/** A network that tells how many calls to `watch` were sent. */
function counted(fault: Fault = (_method, run) => run()) {
  const { namespace, calls } = faultyNamespace(fault);
  const watches = () => calls.filter(({ method }) => method === "watch").length;
  const untilWatching = () => vi.waitFor(() => expect(watches()).toBeGreaterThan(0), { timeout: 10_000, interval: 5 });
  return { namespace, calls, watches, untilWatching };
}

// At once: most of a test is waiting for time to pass, and each has locks of its own.
describe.concurrent("observe", () => {
  const observer = observers();

  it("tells the present leader at once: who, which term, since when", async () => {
    const lock = freshLock();
    await using held = await lock.hold({ owner: "worker-7" });
    const { value } = await observe(lock).next();
    const { since } = (await lock.status()).holders[0] ?? {};
    expect(value).toEqual({ term: held.lease, owner: "worker-7", since });
  });

  it("tells undefined while there is none, also of a lock that was never used", async () => {
    expect(await observe(freshLock()).next()).toEqual({ done: false, value: undefined });
  });

  it("tells each change, in order", async () => {
    const lock = freshLock();
    const watching = observer(lock);
    await untilSeen(watching, 0);
    const first = await leaseOf(lock.acquire(60_000));
    await untilSeen(watching, 0, first);
    await lock.release(first);
    await untilSeen(watching, 0, first, 0);
    const second = await leaseOf(lock.acquire(60_000));
    await untilSeen(watching, 0, first, 0, second);
    await lock.forceRelease();
    await untilSeen(watching, 0, first, 0, second, 0);
  });

  it("tells nothing of renewals, of who stands in line, and of requests to release", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const watching = observer(lockOf(id));
    await untilSeen(watching, lease);
    const waiting = lockOf(id).acquire(60_000, { wait: 15_000 });
    await untilWaiting(id, 1);
    await lockOf(id).renew(lease, 60_000);
    await lockOf(id).requestRelease();
    await lockOf(id).release(lease);
    await untilSeen(watching, lease, await leaseOf(waiting));
  });

  it("sees every hand-over while the new leader still leads", async () => {
    const id = freshId();
    const watching = observer(lockOf(id));
    const before = await leaseOf(lockOf(id).acquire(60_000));
    await untilSeen(watching, 0, before);
    const terms = [0, before];
    const led = [];
    for (let place = 1; place <= 3; place += 1) {
      led.push(
        lead(lockOf(id), async ({ term }) => {
          terms.push(term);
          await untilSeen(watching, ...terms);
        }),
      );
      await untilWaiting(id, place);
    }
    await lockOf(id).release(before);
    await Promise.all(led);
    await untilSeen(watching, ...terms, 0);
  });

  it("notices an expiry though nobody asks: the object's own timer does", async () => {
    const id = freshId();
    const { namespace, calls, untilWatching } = counted();
    const lease = await leaseOf(lockOf(id).acquire(3_000));
    const watching = observer(lockOf(id, namespace));
    await untilWatching();
    await untilSeen(watching, lease, 0);
    // One status, one parked call that was answered, and one that is parked now.
    expect(calls.length).toBeLessThanOrEqual(3);
  });

  it("several observers see the same", async () => {
    const lock = freshLock();
    const watching = [observer(lock), observer(lock), observer(lock)];
    for (const one of watching) await untilSeen(one, 0);
    const lease = await leaseOf(lock.acquire(60_000));
    for (const one of watching) await untilSeen(one, 0, lease);
  });

  it("one that is slow skips what it missed, and goes on with what is", async () => {
    const lock = freshLock();
    const leaders = observe(lock);
    await leaders.next();
    for (let round = 0; round < 3; round += 1) await lock.release(await leaseOf(lock.acquire(60_000)));
    const lease = await leaseOf(lock.acquire(60_000));
    expect((await leaders.next()).value).toMatchObject({ term: lease });
    await leaders.return();
  });

  it.each([
    ["signal", { signal: "stop" }],
    ["interval", { interval: 5 }],
  ])("a bad %s is refused at once (G9)", (argument, options) => {
    expect(() => observe(freshLock(), options as never)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", argument }) as Error,
    );
  });
});

describe.concurrent("observe rides out", () => {
  const observer = observers();

  it("a restart of the object", async () => {
    const id = freshId();
    const { namespace, untilWatching } = counted();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const watching = observer(lockOf(id, namespace));
    await untilWatching();
    await crash(id);
    await lockOf(id).release(lease);
    await untilSeen(watching, lease, 0);
  });

  it("a restart in which the leader's lease runs out", async () => {
    const id = freshId();
    const { namespace, untilWatching } = counted();
    const lease = await leaseOf(lockOf(id).acquire(3_000));
    const watching = observer(lockOf(id, namespace));
    await untilWatching();
    await crash(id);
    await untilSeen(watching, lease, 0);
  });

  it("an outage, from the first call on", async () => {
    const id = freshId();
    let faults = 0;
    const { namespace } = counted(async (_method, run) => {
      if ((faults += 1) > 6) return run();
      throw Object.assign(connectionLost(), { overloaded: faults % 2 === 0 });
    });
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const watching = observer(lockOf(id, namespace));
    await untilSeen(watching, lease);
  });

  it("an outage while it watches, with backoff", async () => {
    const id = freshId();
    let cut = false;
    const { namespace, calls, untilWatching } = counted((_method, run) =>
      cut ? Promise.reject(Object.assign(connectionLost(), { overloaded: true })) : run(),
    );
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const watching = observer(lockOf(id, namespace));
    await untilWatching();
    cut = true;
    await crash(id);
    const since = performance.now();
    await vi.waitFor(() => expect(performance.now() - since).toBeGreaterThan(800), { timeout: 5_000 });
    // Nobody hammers an object that is down.
    expect(calls.length).toBeLessThan(60);
    await lockOf(id).release(lease);
    cut = false;
    await untilSeen(watching, lease, 0);
  });

  it("a lock that has as many observers as it admits", async () => {
    const id = freshId();
    const { namespace, watches } = counted(async (method, run) =>
      method === "watch" && watches() < 3 ? { success: false, reason: "QUEUE_FULL" } : run(),
    );
    const watching = observer(lockOf(id, namespace));
    await vi.waitFor(() => expect(watches()).toBe(3), { timeout: 10_000, interval: 5 });
    await untilSeen(watching, 0, await leaseOf(lockOf(id).acquire(60_000)));
  });
});

describe("observe ends", () => {
  const leaks = countLeaks();
  const observer = observers();

  it("quietly when its signal fires: before, while it waits, and in the loop", async () => {
    const lock = freshLock();
    expect(await observe(lock, { signal: AbortSignal.abort() }).next()).toEqual({ done: true, value: undefined });
    const watching = observer(lock);
    await untilSeen(watching, 0);
    watching.stop.abort(new Error("enough"));
    expect(await watching.done).toEqual({ value: undefined });
    const stop = new AbortController();
    let rounds = 0;
    for await (const _ of observe(lock, { signal: stop.signal })) {
      rounds += 1;
      stop.abort();
    }
    expect(rounds).toBe(1);
  });

  it("with whatever error is not an outage", async () => {
    const { namespace } = counted(() => Promise.reject(new Error("no such method")));
    expect((await outcome(observe(lockOf(freshId(), namespace)).next())).error).toMatchObject({
      message: "no such method",
    });
  });

  it("with the loop: nothing more is asked, nothing is left (G8)", async () => {
    const { namespace, calls } = counted();
    const lock = lockOf(freshId(), namespace);
    const { signal } = countedSignal();
    for await (const _ of observe(lock, { signal })) break;
    expect(calls.map(({ method }) => method)).toEqual(["status"]);
    expect(leaks.timers.size).toBe(0);
    expect(leaks.listeners).toBe(0);
  });

  it("with its signal: nothing is left but the parked call, which runs out by itself (G8)", async () => {
    const id = freshId();
    const { namespace, calls, untilWatching } = counted((method, run, args) => {
      // A slice of 25 s would outlast the test.
      if (method === "watch") args[1] = 300;
      return run();
    });
    const { controller, signal } = countedSignal();
    const ended = outcome(
      (async () => {
        for await (const _ of observe(lockOf(id, namespace), { signal }));
      })(),
    );
    await untilWatching();
    controller.abort();
    await ended;
    expect(leaks.listeners).toBe(0);
    const asked = calls.length;
    // The object's timer for the end of the parked call is the last that is left.
    await vi.waitFor(() => expect(leaks.timers.size).toBe(0), { timeout: 5_000, interval: 20 });
    expect(calls).toHaveLength(asked);
  });
});
