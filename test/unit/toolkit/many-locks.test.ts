import { describe, expect, it, vi } from "vitest";
import type { RefusalReply } from "../../../src/core/replies.ts";
import type { LockRequest } from "../../../src/core/request.ts";
import { type Lock, createLock, withLocks } from "../../../src/index.ts";
import type { LockPrimitives } from "../../../src/transport/primitives.ts";
import { fakeTime, pass, silence } from "../../support/fake-time.ts";
import { failureOf, sleep } from "../../support/outcome.ts";
import { scriptedPrimitives } from "../../support/scripted-primitives.ts";

fakeTime();

const GONE: RefusalReply = { success: false, reason: "NO_LONGER_VALID", ended: "expired" };

/** Locks a, b and so on, with their calls in order; `answers` are those of the lock with that name. */
function locksOf(
  names: string,
  answers: Record<string, Partial<LockPrimitives>> = {},
  keys: Record<string, string> = {},
) {
  const asked: string[] = [];
  const requests: LockRequest[] = [];
  const locks = Array.from(names, (name, index) => {
    const { primitives } = scriptedPrimitives({
      acquire: async (request) => ({ success: true, lease: index + 1, deadline: 1, validFor: request.ttl }),
      renew: () => silence(),
      release: async () => true,
      cancel: async () => undefined,
      ...answers[name],
    });
    return createLock({
      ...primitives,
      id: name,
      key: keys[name] ?? name,
      acquire: (request) => (asked.push(`take ${name}`), requests.push(request), primitives.acquire(request)),
      release: (...args) => (asked.push(`release ${name}`), primitives.release(...args)),
      cancel: (...args) => (asked.push(`cancel ${name}`), primitives.cancel(...args)),
    });
  });
  return { locks, asked, requests };
}

describe("Many locks at once", () => {
  it("G1 withLocks takes the locks in one order, whatever order they are given in, and shows them in the given order.", async () => {
    const { locks, asked } = locksOf("cab");
    const leases = await withLocks(locks, ({ leases: all, holds, isLost, signal }) => {
      expect(holds.map(({ lease }) => lease)).toEqual([...all]);
      expect([isLost(), signal.aborted]).toEqual([false, false]);
      return all;
    });
    expect(leases).toEqual([1, 2, 3]);
    expect(asked).toEqual(["take a", "take b", "take c", "release a", "release b", "release c"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("G1 withLocks takes the locks in the order of their ids and then of their keys, even if the keys are in another order.", async () => {
    const { locks, asked } = locksOf("cab", {}, { a: "3", b: "2", c: "1" });
    const [c, a, b] = locks as [Lock, Lock, Lock];
    const twin = createLock({
      ...c.primitives,
      key: "0",
      acquire: (...args) => (asked.push("take twin"), c.primitives.acquire(...args)),
    });
    await withLocks([c, a, twin, b], () => {});
    expect(asked.filter((one) => one.startsWith("take"))).toEqual([
      "take a",
      "take b",
      "take twin",
      "take c",
      "take c",
    ]);
  });

  it("G1 withLocks shares one wait among all its locks.", async () => {
    const slow: Partial<LockPrimitives> = {
      acquire: async ({ ttl }) => {
        await sleep(3_000);
        return { success: true, lease: 1, deadline: 1, validFor: ttl + 3_000 };
      },
    };
    const { locks, requests } = locksOf("abcd", { a: slow, b: slow, c: slow });
    const run = withLocks(locks, () => "done", { wait: 8_000 });
    await pass(9_000);
    expect(await run).toBe("done");
    expect(requests.map(({ wait }) => wait)).toEqual([8_000, 5_000, 2_000, 0]);
  });

  it("G1 withLocks gives the other locks back if one is taken.", async () => {
    const taken = { acquire: async () => ({ success: false, reason: "BORROWED" }) as RefusalReply };
    const { locks, asked } = locksOf("abc", { c: taken });
    expect(await failureOf(withLocks(locks, () => expect.fail("it ran"), { wait: 0 }))).toMatchObject({
      code: "LOCK_TIMEOUT",
    });
    expect(asked).toEqual(["take a", "take b", "take c", "release a", "release b"]);
  });

  it("G1 withLocks reports the refusal of one lock, even if giving the others back fails.", async () => {
    const taken = { acquire: async () => ({ success: false, reason: "QUEUE_FULL" }) as RefusalReply };
    const { locks } = locksOf("ab", { a: { release: () => Promise.reject(new Error("of no interest")) }, b: taken });
    expect(await failureOf(withLocks(locks, () => {}))).toMatchObject({ code: "QUEUE_FULL" });
  });

  it("G1 withLocks stops waiting when its signal fires, and takes nothing if it has already fired.", async () => {
    const controller = new AbortController();
    const { locks, asked } = locksOf("ab", { b: { acquire: () => silence() } });
    const run = failureOf(withLocks(locks, () => {}, { signal: controller.signal }));
    await pass(10);
    controller.abort("enough");
    expect(await run).toBe("enough");
    expect(asked).toEqual(["take a", "take b", "cancel b", "release a"]);
    const before = locksOf("ab");
    expect(await failureOf(withLocks(before.locks, () => {}, { signal: AbortSignal.abort("before") }))).toBe("before");
    expect(before.asked).toEqual([]);
  });
});

describe("Loss of one of many locks", () => {
  it("G6 A lost lease ends the wait of withLocks for the next lock.", async () => {
    const { locks, asked } = locksOf("ab", { b: { acquire: () => silence() } });
    const run = failureOf(withLocks(locks, () => {}, { ttl: 5_000, wait: 20_000 }));
    await pass(4_500);
    expect(await run).toMatchObject({ code: "LEASE_LOST", lease: 1 });
    expect(asked).toContain("cancel b");
  });

  it("G6 withLocks looks at the clock before the work begins, and finds a lost lease.", async () => {
    const { locks } = locksOf("ab", {
      b: {
        acquire: async ({ ttl }) => {
          vi.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
          return { success: true, lease: 2, deadline: 1, validFor: ttl + 120_000 };
        },
      },
    });
    const work = vi.fn();
    expect(await failureOf(withLocks(locks, work, { ttl: 30_000, wait: Infinity }))).toMatchObject({
      code: "LEASE_LOST",
    });
    expect(work).not.toHaveBeenCalled();
  });

  it("G6 A lost lease fires the signal of withLocks, the call rejects, and the other locks are released.", async () => {
    const { locks, asked } = locksOf("ab", { a: { renew: async () => GONE } });
    const run = failureOf(
      withLocks(
        locks,
        async ({ signal, isLost }) => {
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          return isLost();
        },
        { ttl: 30_000 },
      ),
    );
    await pass(10_000);
    expect(await run).toMatchObject({ code: "LEASE_LOST", lease: 1, why: "expired" });
    expect(asked.slice(2)).toEqual(["release b"]);
  });

  it("G6 withLocks finds a lost lease at its release at the latest.", async () => {
    const { locks, asked } = locksOf("ab", { b: { release: async () => GONE } });
    expect(await failureOf(withLocks(locks, () => "done"))).toMatchObject({ code: "LEASE_LOST", lease: 2 });
    expect(asked.slice(2)).toEqual(["release a", "release b"]);
  });

  it("G6 withLocks looks at the clock when the work is done, and finds a lost lease.", async () => {
    const { locks } = locksOf("ab");
    const work = ({ isLost }: { isLost: () => boolean }) => {
      vi.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
      return isLost();
    };
    expect(await failureOf(withLocks(locks, work))).toMatchObject({ code: "LEASE_LOST" });
  });
});

describe("Failed release of many locks", () => {
  it("withLocks releases every lock even if one release fails, and reports that failure.", async () => {
    const { locks, asked } = locksOf("abc", { a: { release: () => Promise.reject(new Error("broken")) } });
    expect(await failureOf(withLocks(locks, () => "done"))).toMatchObject({ code: "RELEASE_FAILED" });
    expect(asked.slice(3)).toEqual(["release a", "release b", "release c"]);
  });
});

describe("Bad arguments of withLocks", () => {
  it("G9 A bad argument of withLocks takes nothing.", async () => {
    const { locks, asked } = locksOf("ab");
    const [a] = locks as [never];
    const many = Array.from({ length: 101 }, (_, index) => locksOf(String.fromCharCode(1_000 + index)).locks[0]);
    for (const bad of [[], [a, {}], [a, undefined], a, undefined, many, Array(3)])
      expect(await failureOf(withLocks(bad as never, () => {}))).toMatchObject({ argument: "locks" });
    expect(await failureOf(withLocks([a, a], () => {}))).toMatchObject({
      argument: "locks",
      message: 'lock "a" is given twice: it would wait for itself.',
    });
    expect(await failureOf(withLocks(locks, undefined as never))).toMatchObject({ argument: "fn" });
    expect(await failureOf(withLocks(locks, () => {}, { ttl: 0 }))).toMatchObject({ argument: "ttl" });
    expect(await failureOf(withLocks(locks, () => {}, { permits: 1 } as never))).toMatchObject({ argument: "permits" });
    expect(asked).toEqual([]);
    expect(await withLocks(many.slice(0, 100) as never, () => "done")).toBe("done");
  });
});
