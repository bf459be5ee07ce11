import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { type Leadership, lead, useSemaphore } from "../../../src/index.ts";
import { TOLD, endCandidates, fired, stand, termOf, until } from "../../support/candidates.ts";
import { faultyNamespace } from "../../support/faulty-namespace.ts";
import { freshId, freshLock, leaseOf, lockOf, outcome, untilWaiting, waiters } from "../../support/locks.ts";

describe("lead", () => {
  endCandidates();

  it("lead runs fn as the leader, releases the lock and returns what fn returned.", async () => {
    const lock = freshLock();
    const value = await lead(lock, async ({ signal }) => {
      expect(await lock.isLocked()).toBe(true);
      expect(signal.aborted).toBe(false);
      return "led";
    });
    expect(value).toBe("led");
    expect(await lock.isLocked()).toBe(false);
  });

  it("G2: A leader's term is its lease number, and terms grow.", async () => {
    const lock = freshLock();
    const terms: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      await lead(lock, async ({ term }) => {
        expect((await lock.status()).holders).toMatchObject([{ lease: term }]);
        terms.push(term);
      });
    }
    expect(terms).toEqual(terms.toSorted((one, other) => one - other));
    expect(new Set(terms).size).toBe(3);
  });

  it("G4: Candidates lead in the order in which they came.", async () => {
    const id = freshId();
    const first = await leaseOf(lockOf(id).acquire(60_000));
    const order: string[] = [];
    const standing: Promise<unknown>[] = [];
    for (const [index, owner] of ["a", "b", "c", "d"].entries()) {
      standing.push(stand(lockOf(id), { owner }, () => order.push(owner)).done);
      await untilWaiting(id, index + 1);
    }
    await lockOf(id).release(first);
    await Promise.all(standing);
    expect(order).toEqual(["a", "b", "c", "d"]);
  });

  it("G1: Only one candidate leads at a time, even on a lock that several callers can hold.", async () => {
    const id = freshId();
    const semaphore = useSemaphore(env.DURABLE_LOCK, id, { permits: 3 });
    const leader = stand(semaphore);
    await termOf(leader);
    const other = stand(semaphore);
    await untilWaiting(id, 1);
    expect(other.terms).toHaveLength(0);
    expect((await semaphore.status()).holders).toMatchObject([{ exclusive: true }]);
  });

  it("G1: There are never two leaders, whatever ends the terms.", { timeout: 60_000 }, async () => {
    const lock = freshLock();
    let leading = 0;
    let most = 0;
    const terms: number[] = [];
    const work = async ({ term, signal, resign }: Leadership, fate: number) => {
      terms.push(term);
      most = Math.max(most, (leading += 1));
      if (fate % 3 === 0) resign();
      if (fate % 3 === 1) await lock.requestRelease();
      await Promise.race([fired(signal), lock.status()]);
      leading -= 1;
      if (fate % 3 === 2) throw new Error("stumbled");
    };
    const campaigns = Array.from({ length: 8 }, async (_, candidate) => {
      for (let round = 0; round < 3; round += 1) {
        let fate = candidate + round;
        await stand(lock, TOLD, (leadership) => work(leadership, fate++)).done;
      }
    });
    await Promise.all(campaigns);
    expect(most).toBe(1);
    expect(terms.length).toBeGreaterThanOrEqual(24);
    expect(terms).toEqual(terms.toSorted((one, other) => one - other));
  });

  it.each([
    ["fn", lead.bind(undefined, freshLock(), "work" as never)],
    ["wait", lead.bind(undefined, freshLock(), () => {}, { wait: 5 } as never)],
    ["ttl", lead.bind(undefined, freshLock(), () => {}, { ttl: 0 })],
    ["signal", lead.bind(undefined, freshLock(), () => {}, { signal: "stop" as never })],
  ])("G9: lead refuses a bad %s, and no candidate enters the queue.", async (argument, call) => {
    expect((await outcome(call())).error).toMatchObject({ code: "INVALID_ARGUMENT", argument });
  });
});

// Concurrent: most tests only wait for time to pass, and each has its own locks.
describe.concurrent("Leadership that ends before fn settles", () => {
  endCandidates();

  it("forceRelease fires the leader's signal, and the candidate leads again once fn has settled.", async () => {
    const lock = freshLock();
    const settle = Promise.withResolvers<void>();
    const candidate = stand(lock, TOLD, ({ signal }) => fired(signal).then(() => settle.promise));
    const first = await termOf(candidate);
    const fence = await lock.forceRelease();
    await until(() => expect(first.signal.aborted).toBe(true));
    expect(first.signal.reason).toMatchObject({ code: "LEASE_LOST", why: "superseded" });
    expect(candidate.terms).toHaveLength(1);
    settle.resolve();
    expect((await termOf(candidate, 2)).term).toBeGreaterThan(fence);
  });

  it("G6: After the deadline, hasEnded returns true at once, before a timer could run.", async () => {
    const lock = freshLock();
    const ttl = 3_600_000;
    let hasEndedLate = false;
    const stop = new AbortController();
    await lead(
      lock,
      ({ term, hasEnded, signal }) => {
        if (signal.aborted || hasEnded()) throw new Error(`term ${term} had ended before it began`);
        const now = vi.spyOn(performance, "now").mockReturnValue(performance.now() + ttl);
        hasEndedLate = hasEnded() && signal.aborted;
        now.mockRestore();
        stop.abort();
      },
      { signal: stop.signal, ttl },
    ).catch(() => {});
    expect(hasEndedLate).toBe(true);
  });

  it("G6: If renewals fail, the leader's signal fires in time, and it leads again when the object is reachable.", async () => {
    const id = freshId();
    let cut = true;
    const { namespace } = faultyNamespace((method, run) => (cut && method === "renew" ? new Promise(() => {}) : run()));
    const candidate = stand(lockOf(id, namespace), { ttl: 2_000 });
    const first = await termOf(candidate);
    await until(() => expect(first.signal.aborted).toBe(true));
    cut = false;
    expect(first.signal.reason).toMatchObject({ code: "LEASE_LOST" });
    await until(() => expect(candidate.terms.length).toBeGreaterThan(1));
    expect(candidate.terms[1]?.term).toBeGreaterThan(first.term);
  });

  it("After resign, the next candidate leads once fn has settled, and the old leader goes to the end of the queue.", async () => {
    const id = freshId();
    const settle = Promise.withResolvers<void>();
    const a = stand(lockOf(id), { owner: "a" }, async ({ signal }) => {
      await fired(signal);
      await settle.promise;
    });
    const first = await termOf(a);
    const b = stand(lockOf(id), { owner: "b" });
    await untilWaiting(id, 1);
    stand(lockOf(id), { owner: "c" });
    await untilWaiting(id, 2);
    first.resign();
    expect(first.signal.aborted).toBe(true);
    expect(first.signal.reason).toMatchObject({ name: "AbortError" });
    // The leader has stepped down, but fn may still be running, so no other candidate leads yet.
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease: first.term }]);
    settle.resolve();
    expect((await termOf(b)).term).toBeGreaterThan(first.term);
    await until(async () => expect(await waiters(id)).toEqual(["c", "a"]));
  });

  it("After resign, lead does not return what fn returns but leads again.", async () => {
    const lock = freshLock();
    const value = lead(lock, ({ resign, term }) => {
      terms.push(term);
      if (terms.length < 3) resign();
      return terms.length;
    });
    const terms: number[] = [];
    expect(await value).toBe(3);
    expect(await lock.isLocked()).toBe(false);
  });

  it("requestRelease makes the leader resign in favour of the next waiter.", async () => {
    const id = freshId();
    const leader = stand(lockOf(id), TOLD);
    const { signal } = await termOf(leader);
    const maintenance = lockOf(id).withLock(() => "maintained", { wait: 15_000 });
    await untilWaiting(id, 1);
    await lockOf(id).requestRelease();
    expect(await maintenance).toBe("maintained");
    expect(signal.reason).toMatchObject({ name: "AbortError" });
    await termOf(leader, 2);
  });

  it("requestRelease reaches a leader without releaseOnExit with its next renewal.", async () => {
    const lock = freshLock();
    const leader = stand(lock, { ttl: 3_000 });
    await termOf(leader);
    await lock.requestRelease();
    await until(() => expect(leader.terms.length).toBeGreaterThan(1));
  });

  it("G10: A leader that resigns as soon as it is elected is not elected again without a pause.", async () => {
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    const restless = stand(lockOf(freshId(), namespace), {}, ({ resign }) => resign());
    const since = performance.now();
    await until(() => expect(performance.now() - since).toBeGreaterThan(1_500));
    restless.stop.abort();
    await restless.done;
    expect(restless.terms.length).toBeGreaterThan(2);
    // Without a pause there would be hundreds of calls.
    expect(calls.length).toBeLessThan(100);
  });
});

describe("Errors from fn in lead", () => {
  endCandidates();

  it("If fn throws while it leads, the lock is released and lead rejects with that error.", async () => {
    const lock = freshLock();
    const error = new Error("mine");
    expect((await outcome(lead(lock, () => Promise.reject(error)))).error).toBe(error);
    expect(await lock.isLocked()).toBe(false);
  });

  it(
    "If fn throws while it leads and the release fails as well, lead rejects with fn's error.",
    { timeout: 30_000 },
    async () => {
      const { namespace } = faultyNamespace((method, run) =>
        method === "release" ? Promise.reject(new Error("no release")) : run(),
      );
      const error = new Error("mine");
      expect((await outcome(lead(lockOf(freshId(), namespace), () => Promise.reject(error)))).error).toBe(error);
    },
  );

  it("If fn throws after it was told that its lease is lost, the candidate enters the queue again.", async () => {
    const lock = freshLock();
    const candidate = stand(lock, TOLD, async ({ signal }) => {
      await fired(signal);
      signal.throwIfAborted();
    });
    const first = await termOf(candidate);
    await lock.forceRelease();
    expect((await termOf(candidate, 2)).term).toBeGreaterThan(first.term);
  });

  it("If fn throws after a loss that only the object knows about, the candidate leads again.", async () => {
    const lock = freshLock();
    let terms = 0;
    const value = await lead(lock, async () => {
      if ((terms += 1) > 1) return "led";
      await lock.forceRelease();
      throw new Error("from a term that had ended");
    });
    expect(value).toBe("led");
  });
});
