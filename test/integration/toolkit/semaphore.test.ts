import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { type Semaphore, isLockError, useSemaphore } from "../../../src/index.ts";
import { connectionLost, faultyNamespace, losingReplies } from "../../support/faulty-namespace.ts";
import { crash, freshId, holders, lockOf, outcome, stubOf, untilWaiting, waiters } from "../../support/locks.ts";

const semaphore = (id: string, permits: number, namespace = env.DURABLE_LOCK): Semaphore =>
  useSemaphore(namespace, id, { permits });

// Concurrent: most tests only wait for time to pass, and each has its own locks.
describe.concurrent("Admission to a semaphore", () => {
  it("G1: A semaphore admits as many callers at a time as it has permits, and all of them in the end.", async () => {
    const { withLock } = semaphore(freshId(), 3);
    let running = 0;
    let most = 0;
    const { promise: threeAreIn, resolve } = Promise.withResolvers<void>();
    await Promise.all(
      Array.from({ length: 12 }, () =>
        withLock(async () => {
          most = Math.max(most, (running += 1));
          if (running === 3) resolve();
          await threeAreIn;
          running -= 1;
        }),
      ),
    );
    expect(most).toBe(3);
  });

  it("G1: Each holder of a semaphore has its own lease.", async () => {
    const id = freshId();
    const { hold } = semaphore(id, 2);
    const [one, other] = [await hold(), await hold()];
    expect(other.lease).toBeGreaterThan(one.lease);
    expect(await one.release()).toBe(true);
    expect(await holders(id)).toBe(1);
    expect(other.isLost()).toBe(false);
    await other.release();
  });

  it("G1: A semaphore counts the permits that a request takes.", async () => {
    const id = freshId();
    const { withPermits, tryWithLock } = semaphore(id, 5);
    await withPermits(4, async () => {
      expect(await tryWithLock(() => "one", { permits: 2 })).toMatchObject({ acquired: false, reason: "BORROWED" });
      expect(await tryWithLock(() => "one")).toEqual({ acquired: true, value: "one" });
    });
    expect(await withPermits(5, () => "all")).toBe("all");
  });

  it("G1: When a dead holder's lease expires, its permits are freed, and only those.", async () => {
    const id = freshId();
    const { acquire, withPermits } = semaphore(id, 3);
    await acquire(300, { permits: 2 });
    const living = await semaphore(id, 3).hold();
    expect(await withPermits(2, () => "in")).toBe("in");
    expect(living.isLost()).toBe(false);
    await living.release();
  });

  it("G1: A semaphore's holders keep their permits through a restart of the object.", async () => {
    const id = freshId();
    const { hold, acquire } = semaphore(id, 2);
    const held = await Promise.all([hold(), hold()]);
    await crash(id);
    expect(await acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    await Promise.all(held.map((one) => one.renew()));
    expect(await Promise.all(held.map((one) => one.release()))).toEqual([true, true]);
  });
});

describe.concurrent("The queue of a semaphore", () => {
  it("G4: A small request does not overtake a large one.", async () => {
    const id = freshId();
    const { hold, withPermits } = semaphore(id, 3);
    const held = await hold();
    const order: string[] = [];
    const large = withPermits(3, () => void order.push("large"));
    await untilWaiting(id, 1);
    const small = withPermits(1, () => void order.push("small"));
    await untilWaiting(id, 2);
    await held.release();
    await Promise.all([large, small]);
    expect(order).toEqual(["large", "small"]);
  });

  it("G4: A waiter that aborts leaves the queue, and the waiter behind it is granted.", async () => {
    const id = freshId();
    const { hold, withPermits } = semaphore(id, 2);
    const held = await hold();
    const abort = new AbortController();
    const large = outcome(withPermits(2, () => {}, { signal: abort.signal }));
    await untilWaiting(id, 1);
    const small = withPermits(1, () => "in");
    await untilWaiting(id, 2);
    abort.abort(new Error("enough"));
    expect(await large).toMatchObject({ error: { message: "enough" } });
    expect(await small).toBe("in");
    await held.release();
  });
});

describe.concurrent("Callers that disagree on the permits of a semaphore", () => {
  it("Each of two callers that disagree on the permits is judged by its own limit, which status() shows.", async () => {
    const id = freshId();
    const held = await semaphore(id, 3).hold({ permits: 2, owner: "of three" });
    expect(await semaphore(id, 2).acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    const other = await semaphore(id, 4).hold({ permits: 2, owner: "of four" });
    const { holders: shown } = await semaphore(id, 2).status();
    expect(shown).toMatchObject([
      { owner: "of three", permits: 2, capacity: 3 },
      { owner: "of four", permits: 2, capacity: 4 },
    ]);
    await Promise.all([held.release(), other.release()]);
    expect(await semaphore(id, 2).acquire(1_000)).toMatchObject({ success: true });
  });
});

describe.concurrent("A semaphore over a bad network", () => {
  it("G5: A semaphore request whose reply is lost takes its permits once.", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(losingReplies(["acquire", "acquireOrQueue", "release"]));
    const { acquire, withLock } = semaphore(id, 2, namespace);
    await acquire(10_000);
    expect(await holders(id)).toBe(1);
    await withLock(async () => expect(await holders(id)).toBe(2));
    expect(await holders(id)).toBe(1);
  });

  it("G7: withPermits rejects after its lease was lost, although fn resolved.", async () => {
    const id = freshId();
    const { withPermits, forceRelease } = semaphore(id, 2);
    const done = outcome(withPermits(2, () => forceRelease(), { ttl: 60_000 }));
    expect(await done).toMatchObject({ error: { code: "LEASE_LOST", why: "superseded" } });
  });

  it("G6: The signal of a semaphore hold fires in time if the object stops answering.", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(async (method, run) => {
      if (method === "renew") throw connectionLost();
      return run();
    });
    const held = await semaphore(id, 2, namespace).hold({ ttl: 2_000 });
    await vi.waitFor(() => expect(held.signal.aborted).toBe(true), { timeout: 10_000 });
    expect(isLockError(held.signal.reason, "LEASE_LOST") && held.signal.reason.why).toBe("unreachable");
  });
});

describe.concurrent("Clean-up and bad input of a semaphore", () => {
  it("G8: After its holds are released, a semaphore has no holder or waiter left.", async () => {
    const id = freshId();
    const { withPermits } = semaphore(id, 3);
    await Promise.all(Array.from({ length: 20 }, (_, n) => withPermits((n % 3) + 1, () => {})));
    expect(await lockOf(id).status()).toEqual({ locked: false, holders: [], waiters: [] });
    expect(await waiters(id)).toEqual([]);
  });

  it.each([0, -1, 1.5, Number.NaN, "3", null, undefined])(
    "G9: A semaphore refuses %s as its number of permits.",
    (permits) => {
      expect(() => semaphore(freshId(), permits as number)).toThrow(expect.objectContaining({ argument: "permits" }));
    },
  );

  it.each([0, 4, 1.5, "1"])(
    "G9: A semaphore of three refuses to grant %s permits, and nothing is taken.",
    async (count) => {
      const id = freshId();
      const { error } = await outcome(semaphore(id, 3).withPermits(count as number, () => {}));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "permits" });
      expect(await stubOf(id).status()).toMatchObject({ locked: false });
    },
  );

  it("G9: A semaphore refuses a capacity other than its own.", async () => {
    const { error } = await outcome(semaphore(freshId(), 3).hold({ capacity: 4 }));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "capacity" });
  });
});
