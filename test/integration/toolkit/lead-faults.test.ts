import { describe, expect, it, vi } from "vitest";
import { type LeaderWork, lead } from "../../../src/index.ts";
import { TOLD, endCandidates, fired, stand, termOf, until } from "../../support/candidates.ts";
import { connectionLost, faultyNamespace, losingReplies } from "../../support/faulty-namespace.ts";
import { countLeaks, countedSignal } from "../../support/leaks.ts";
import {
  crash,
  freshId,
  freshLock,
  holders,
  leaseOf,
  lockOf,
  outcome,
  untilWaiting,
  waiters,
} from "../../support/locks.ts";

describe("Aborting lead", () => {
  endCandidates();

  const reason = new Error("shut down");

  it("If the signal has fired before lead is called, lead sends no request.", async () => {
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    const led = lead(lockOf(freshId(), namespace), () => {}, { signal: AbortSignal.abort(reason) });
    expect((await outcome(led)).error).toBe(reason);
    expect(calls).toEqual([]);
  });

  it("An abort while campaigning removes the candidate from the queue at the object.", async () => {
    const id = freshId();
    await leaseOf(lockOf(id).acquire(60_000));
    const candidate = stand(lockOf(id));
    await untilWaiting(id, 1);
    candidate.stop.abort(reason);
    expect((await candidate.done).error).toBe(reason);
    expect(await waiters(id)).toEqual([]);
    expect(candidate.terms).toHaveLength(0);
  });

  it("An abort while leading fires the term's signal; once fn settles, the lock is released and lead rejects.", async () => {
    const lock = freshLock();
    const settle = Promise.withResolvers<string>();
    const candidate = stand(lock, {}, () => settle.promise);
    const { signal } = await termOf(candidate);
    candidate.stop.abort(reason);
    expect(signal.reason).toBe(reason);
    expect(await lock.isLocked()).toBe(true);
    settle.resolve("done");
    expect((await candidate.done).error).toBe(reason);
    expect(await lock.isLocked()).toBe(false);
  });

  it("An abort after fn has settled does not change what lead returns.", async () => {
    const stop = new AbortController();
    const { namespace } = faultyNamespace((method, run) => {
      if (method === "release") stop.abort(reason);
      return run();
    });
    expect(await lead(lockOf(freshId(), namespace), () => "led", { signal: stop.signal })).toBe("led");
  });

  it("If the abort comes in the turn of the grant, fn does not run and the lock is free.", async () => {
    const id = freshId();
    const stop = new AbortController();
    const { namespace } = faultyNamespace(async (method, run) => {
      const reply = await run();
      if (method === "watchExit") stop.abort(reason);
      return reply;
    });
    const fn = vi.fn<LeaderWork<void>>();
    expect((await outcome(lead(lockOf(id, namespace), fn, { ...TOLD, signal: stop.signal }))).error).toBe(reason);
    expect(fn).not.toHaveBeenCalled();
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("An abort ends lead during an outage and during the pause after a short term.", async () => {
    const { namespace } = faultyNamespace(() => Promise.reject(Object.assign(connectionLost(), { overloaded: true })));
    const candidate = stand(lockOf(freshId(), namespace));
    candidate.stop.abort(reason);
    expect((await candidate.done).error).toBe(reason);
    const restless = stand(freshLock(), {}, ({ resign }) => resign());
    await until(() => expect(restless.terms.length).toBeGreaterThan(3));
    restless.stop.abort(reason);
    expect((await restless.done).error).toBe(reason);
  });
});

// Concurrent: most tests only wait for time to pass, and each has its own locks.
describe.concurrent("Faults during lead", () => {
  endCandidates();

  it("If the object restarts while a candidate leads, the term goes on.", async () => {
    const id = freshId();
    const leader = stand(lockOf(id), { ttl: 6_000 });
    const { term, signal } = await termOf(leader);
    const before = (await lockOf(id).status()).holders[0]?.deadline ?? 0;
    await crash(id);
    // It was renewed at the new instance.
    await until(async () => expect((await lockOf(id).status()).holders[0]?.deadline).toBeGreaterThan(before));
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease: term }]);
    expect(signal.aborted).toBe(false);
    expect(leader.terms).toHaveLength(1);
  });

  it("If the object restarts while a leader with releaseOnExit leads, the term goes on and the lease is watched again.", async () => {
    const id = freshId();
    const leader = stand(lockOf(id), TOLD);
    const { term, signal } = await termOf(leader);
    await crash(id);
    await lockOf(id).requestRelease();
    await until(() => expect(signal.aborted).toBe(true));
    expect(signal.reason).toMatchObject({ name: "AbortError" });
    expect((await termOf(leader, 2)).term).toBeGreaterThan(term);
  });

  it("G4: If the object restarts while candidates wait, they lead in the same order.", async () => {
    const id = freshId();
    const first = await leaseOf(lockOf(id).acquire(60_000));
    const order: string[] = [];
    const standing: Promise<unknown>[] = [];
    for (const [index, owner] of ["a", "b", "c"].entries()) {
      standing.push(stand(lockOf(id), { owner }, () => order.push(owner)).done);
      await untilWaiting(id, index + 1);
      // Apart in time: a restart knows the order of arrival only to the millisecond of the calls.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await crash(id);
    await untilWaiting(id, 3);
    await lockOf(id).release(first);
    await Promise.all(standing);
    expect(order).toEqual(["a", "b", "c"]);
  });

  it("G5: If replies are lost, lead runs one term and returns its value.", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(losingReplies(["acquireOrQueue", "release"]));
    const terms: number[] = [];
    expect(await lead(lockOf(id, namespace), ({ term }) => terms.push(term))).toBe(1);
    expect(terms).toHaveLength(1);
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("Neither an outage nor a full queue ends a candidacy.", async () => {
    let calls = 0;
    const full = { success: false, reason: "QUEUE_FULL" };
    const { namespace } = faultyNamespace(async (method, run) => {
      if (method !== "acquireOrQueue" || (calls += 1) > 4) return run();
      if (calls === 1) return full;
      throw Object.assign(connectionLost(), { overloaded: calls > 2 });
    });
    expect(await lead(lockOf(freshId(), namespace), () => "led")).toBe("led");
    expect(calls).toBe(5);
  });

  it("A candidacy survives an outage that costs it the lease while the exit watch is being set up.", async () => {
    let cut = true;
    const { namespace } = faultyNamespace((method, run) =>
      cut && ["watchExit", "renew"].includes(method) ? new Promise(() => {}) : run(),
    );
    const lock = lockOf(freshId(), namespace);
    const { error } = await outcome(lock.hold({ ttl: 100, releaseOnExit: true }));
    expect(error).toMatchObject({ code: "LEASE_LOST" });
    const leader = stand(lock, { ttl: 5_000, releaseOnExit: true });
    await until(async () => expect(await lock.isLocked()).toBe(true));
    cut = false;
    await termOf(leader);
  });

  it("If the leader dies, the next candidate leads when the dead leader's lease has expired.", async () => {
    const id = freshId();
    // No one renews this lease.
    const dead = await leaseOf(lockOf(id).acquire(300));
    const next = stand(lockOf(id));
    const { term } = await termOf(next);
    expect(term).toBeGreaterThan(dead);
    expect(await lockOf(id).release(dead)).toMatchObject({ reason: "NO_LONGER_VALID" });
  });

  it("If the leader dies with a lock-delay, the next candidate leads only after the delay.", async () => {
    const id = freshId();
    const died = await lockOf(id).acquire(50, { lockDelay: 200 });
    await termOf(stand(lockOf(id)));
    const since = (await lockOf(id).status()).holders[0]?.since ?? 0;
    expect(since).toBeGreaterThanOrEqual((died as { deadline: number }).deadline + 200);
  });
});

describe("Leaks of lead", () => {
  const leaks = countLeaks();

  it("G8: After several terms of each kind and an abort, no timer, listener, waiter or lease is left.", async () => {
    const id = freshId();
    const { controller, signal } = countedSignal();
    const rival = await lockOf(id).hold();
    let terms = 0;
    const led = outcome(
      lead(
        lockOf(id),
        async (leadership) => {
          terms += 1;
          if (terms < 3) return leadership.resign();
          if (terms === 3) return lockOf(id).forceRelease();
          return fired(leadership.signal);
        },
        { signal },
      ),
    );
    await untilWaiting(id, 1);
    await rival.release();
    await until(() => expect(terms).toBe(4));
    // Of all terms so far, only the present one has a listener.
    expect(leaks.listeners).toBe(1);
    controller.abort();
    await led;
    expect(leaks.listeners).toBe(0);
    expect(leaks.timers.size).toBe(0);
    expect(await holders(id)).toBe(0);
    expect(await waiters(id)).toEqual([]);
  });
});
