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

/** Waits until the observer has seen exactly these terms, with 0 for no leader. */
async function untilSeen({ seen }: Observer, ...terms: number[]): Promise<void> {
  await vi.waitFor(() => expect(seen.map((leader) => leader?.term ?? 0)).toEqual(terms), {
    timeout: 15_000,
    interval: 5,
  });
}

/** A network that counts the calls to `watch`. */
function counted(fault: Fault = (_method, run) => run()) {
  const { namespace, calls } = faultyNamespace(fault);
  const watches = () => calls.filter(({ method }) => method === "watch").length;
  const untilWatching = () => vi.waitFor(() => expect(watches()).toBeGreaterThan(0), { timeout: 10_000, interval: 5 });
  return { namespace, calls, watches, untilWatching };
}

// Concurrent: most tests only wait for time to pass, and each has its own locks.
describe.concurrent("observe", () => {
  const observer = observers();

  it("observe yields the present leader at once, with its term, its owner and the start of its lease.", async () => {
    const lock = freshLock();
    await using held = await lock.hold({ owner: "worker-7" });
    const { value } = await observe(lock).next();
    const { since } = (await lock.status()).holders[0] ?? {};
    expect(value).toEqual({ term: held.lease, owner: "worker-7", since });
  });

  it("observe yields undefined while there is no leader, also for a lock that was never used.", async () => {
    expect(await observe(freshLock()).next()).toEqual({ done: false, value: undefined });
  });

  it("observe yields each change of leader in order.", async () => {
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

  it("observe yields nothing for renewals, waiters and requests to release.", async () => {
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

  it("observe yields every hand-over while the new leader still leads.", async () => {
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

  it("observe notices an expiry without any call, by the object's own timer.", async () => {
    const id = freshId();
    const { namespace, calls, untilWatching } = counted();
    const lease = await leaseOf(lockOf(id).acquire(3_000));
    const watching = observer(lockOf(id, namespace));
    await untilWatching();
    await untilSeen(watching, lease, 0);
    // One status, one parked call that was answered, and one that is parked now.
    expect(calls.length).toBeLessThanOrEqual(3);
  });

  it("Several observers see the same leaders.", async () => {
    const lock = freshLock();
    const watching = [observer(lock), observer(lock), observer(lock)];
    for (const one of watching) await untilSeen(one, 0);
    const lease = await leaseOf(lock.acquire(60_000));
    for (const one of watching) await untilSeen(one, 0, lease);
  });

  it("A slow observer skips the leaders that it missed and continues with the present one.", async () => {
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
  ])("G9: observe refuses a bad %s at once.", (argument, options) => {
    expect(() => observe(freshLock(), options as never)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", argument }) as Error,
    );
  });
});

describe.concurrent("Faults during observe", () => {
  const observer = observers();

  it("observe survives a restart of the object.", async () => {
    const id = freshId();
    const { namespace, untilWatching } = counted();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const watching = observer(lockOf(id, namespace));
    await untilWatching();
    await crash(id);
    await lockOf(id).release(lease);
    await untilSeen(watching, lease, 0);
  });

  it("observe survives a restart in which the leader's lease expires.", async () => {
    const id = freshId();
    const { namespace, untilWatching } = counted();
    const lease = await leaseOf(lockOf(id).acquire(3_000));
    const watching = observer(lockOf(id, namespace));
    await untilWatching();
    await crash(id);
    await untilSeen(watching, lease, 0);
  });

  it("observe survives an outage that begins with its first call.", async () => {
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

  it("observe survives an outage while it watches and backs off between its calls.", async () => {
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
    // The observer does not hammer an object that is down.
    expect(calls.length).toBeLessThan(60);
    await lockOf(id).release(lease);
    cut = false;
    await untilSeen(watching, lease, 0);
  });

  it("observe keeps trying when the lock has as many observers as it admits.", async () => {
    const id = freshId();
    const { namespace, watches } = counted(async (method, run) =>
      method === "watch" && watches() < 3 ? { success: false, reason: "QUEUE_FULL" } : run(),
    );
    const watching = observer(lockOf(id, namespace));
    await vi.waitFor(() => expect(watches()).toBe(3), { timeout: 10_000, interval: 5 });
    await untilSeen(watching, 0, await leaseOf(lockOf(id).acquire(60_000)));
  });
});

describe("The end of observe", () => {
  const leaks = countLeaks();
  const observer = observers();

  it("observe ends without an error when its signal fires before it starts, while it waits, or in the loop.", async () => {
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

  it("observe ends with any error that is not an outage.", async () => {
    const { namespace } = counted(() => Promise.reject(new Error("no such method")));
    expect((await outcome(observe(lockOf(freshId(), namespace)).next())).error).toMatchObject({
      message: "no such method",
    });
  });

  it("G8: When the loop ends, observe sends no more calls and leaves nothing behind.", async () => {
    const { namespace, calls } = counted();
    const lock = lockOf(freshId(), namespace);
    const { signal } = countedSignal();
    for await (const _ of observe(lock, { signal })) break;
    expect(calls.map(({ method }) => method)).toEqual(["status"]);
    expect(leaks.timers.size).toBe(0);
    expect(leaks.listeners).toBe(0);
  });

  it("G8: When the signal fires, only the parked call is left, and it runs out by itself.", async () => {
    const id = freshId();
    const { namespace, calls, untilWatching } = counted((method, run, args) => {
      // A long poll of 25 s would outlast the test.
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
