// Replays of what users of other libraries reported. docs/correctness.md lists them: "Bugs of others, tried here".
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RenewReply } from "../../../src/core/replies.ts";
import { createLock } from "../../../src/index.ts";
import { fakeTime, pass, silence } from "../../support/fake-time.ts";
import { memoryPrimitives } from "../../support/memory-primitives.ts";
import { failureOf, freshId, outcome, sleep } from "../../support/outcome.ts";
import { GRANT, grantingPrimitives } from "../../support/scripted-primitives.ts";
import { afterTurns, sweepTurns } from "../../support/turns.ts";

fakeTime();

/** The rejections that no code handled. */
const unhandled: unknown[] = [];
const onUnhandled = (event: PromiseRejectionEvent) => void unhandled.push(event.reason);
beforeEach(() => {
  unhandled.length = 0;
  addEventListener("unhandledrejection", onUnhandled);
});
afterEach(() => removeEventListener("unhandledrejection", onUnhandled));

/** A lock on the shipped core, whose renewals are counted. */
function counted() {
  const primitives = memoryPrimitives(freshId());
  const renew = vi.spyOn(primitives, "renew");
  return { primitives, renew, lock: createLock(primitives) };
}

/** Checks that an ended hold leaves nothing: no timer now, and no renewal and no lease later. */
async function isQuiet({ primitives, renew }: Pick<ReturnType<typeof counted>, "primitives" | "renew">) {
  await pass(0);
  const [timers, renewals] = [vi.getTimerCount(), renew.mock.calls.length];
  await pass(120_000);
  return timers === 0 && renew.mock.calls.length === renewals && !(await primitives.isLocked());
}

describe("redisson/redisson#7272", () => {
  it("a lock that is released in any turn of a renewal is never renewed again", async () => {
    const endings = await sweepTurns(async (turns) => {
      const one = counted();
      const work = Promise.withResolvers<void>();
      const running = one.lock.withLock(({ renew }) => {
        void renew().catch(() => {});
        afterTurns(turns, work.resolve);
        return work.promise;
      });
      await running;
      return isQuiet(one);
    });
    expect(endings).not.toContain(false);
  });
});

describe("redisson/redisson#2714", () => {
  it("a request that is aborted in any turn leaves no lease behind, and nothing that renews one", async () => {
    const endings = await sweepTurns(async (turns) => {
      const one = counted();
      const abort = new AbortController();
      const running = outcome(one.lock.withLock(() => {}, { signal: abort.signal }));
      afterTurns(turns, () => abort.abort(new Error("interrupted")));
      await running;
      return isQuiet(one);
    });
    expect(endings).not.toContain(false);
  });
});

describe("tristanls/dynamodb-lock-client#1", () => {
  it("a renewal that is answered after the release does not start the renewals again", async () => {
    const answer = Promise.withResolvers<RenewReply>();
    const { primitives, methods } = grantingPrimitives({ renew: () => answer.promise });
    const held = await createLock(primitives).hold({ ttl: 30_000 });
    await pass(10_000);
    await held.release();
    answer.resolve(GRANT);
    await pass(0);
    expect(vi.getTimerCount()).toBe(0);
    await pass(300_000);
    expect(methods()).toEqual(["acquire", "renew", "release"]);
  });
});

describe("swarthy/redis-semaphore#175", () => {
  it("a renewal that comes after the expiry takes nothing back, and the holder has learned about the gap", async () => {
    const primitives = memoryPrimitives(freshId());
    const lock = createLock(primitives);
    const arrives = primitives.renew.bind(primitives);
    const late = Promise.withResolvers<RenewReply>();
    primitives.renew = async (...args) => {
      await sleep(9_000);
      const reply = await arrives(...args);
      late.resolve(reply);
      return reply;
    };
    const held = await lock.hold({ ttl: 10_000 });
    await pass(10_001);
    const other = await lock.acquire(1_000);
    expect(held.signal.aborted).toBe(true);
    expect(other).toMatchObject({ success: true });
    if (other.success) await lock.release(other.lease);
    await pass(9_000);
    expect(await late.promise).toMatchObject({ success: false, reason: "NO_LONGER_VALID" });
    expect(await lock.isLocked()).toBe(false);
  });
});

describe("swarthy/redis-semaphore#205", () => {
  it("a renewal that the release has overtaken is no loss, for any of 32 holders", async () => {
    const holders = await Promise.all(
      Array.from({ length: 32 }, async () => {
        const { primitives, lock } = counted();
        const arrives = vi.fn(primitives.renew.bind(primitives));
        primitives.renew = async (...args) => {
          await sleep(50);
          return arrives(...args);
        };
        return { held: await lock.hold({ ttl: 30_000 }), arrives, lock };
      }),
    );
    await pass(10_000);
    const released = await Promise.all(holders.map(({ held }) => held.release()));
    await pass(60_000);
    expect(released).not.toContain(false);
    for (const { held, arrives, lock } of holders) {
      expect(arrives).toHaveBeenCalledOnce();
      expect(held.signal.aborted).toBe(false);
      expect(await lock.isLocked()).toBe(false);
    }
    expect(unhandled).toEqual([]);
  });
});

describe("swarthy/redis-semaphore#24", () => {
  it("after a standby the holder sees its loss at once, and nothing is rejected unhandled", async () => {
    const { lock } = counted();
    const woken = Promise.withResolvers<void>();
    let isLost: boolean | undefined;
    const working = outcome(
      lock.withLock(async (held) => {
        await woken.promise;
        isLost = held.isLost();
      }),
    );
    await pass(1_000);
    // While the computer sleeps, the clocks go on and no timer runs.
    const [monotonic, wall] = [performance.now(), Date.now()];
    vi.spyOn(performance, "now").mockReturnValue(monotonic + 3_600_000);
    vi.spyOn(Date, "now").mockReturnValue(wall + 3_600_000);
    const other = await lock.acquire(60_000);
    woken.resolve();
    expect((await working).error).toMatchObject({ code: "LEASE_LOST" });
    expect(isLost).toBe(true);
    expect(other).toMatchObject({ success: true });
    await pass(60_000);
    expect(unhandled).toEqual([]);
  });
});

describe("redisson/redisson#2515", () => {
  it("a renewal that fails is followed by others, for this lease and for the next one of the same lock", async () => {
    let isDown = true;
    const fail = () => Promise.reject(new Error("connection timed out"));
    const { primitives, methods } = grantingPrimitives({
      renew: () => (isDown ? fail() : Promise.resolve(GRANT)),
      release: () => (isDown ? fail() : Promise.resolve(true)),
    });
    const lock = createLock(primitives);
    const first = await lock.hold({ ttl: 30_000 });
    await pass(10_000);
    isDown = false;
    await pass(50_000);
    expect(first.signal.aborted).toBe(false);
    isDown = true;
    expect(await failureOf(first.release())).toMatchObject({ code: "RELEASE_FAILED" });
    isDown = false;
    const before = methods().length;
    const second = await lock.hold({ ttl: 30_000 });
    await pass(60_000);
    expect(methods().slice(before)).toEqual(["acquire", ...Array.from({ length: 6 }, () => "renew")]);
    expect(second.signal.aborted).toBe(false);
    await second.release();
  });
});

describe("redisson/redisson#5698", () => {
  it("a holder whose renewals do not arrive learns about its loss before the next one is granted", async () => {
    const { primitives, lock } = counted();
    vi.spyOn(primitives, "renew").mockImplementation(() => silence());
    const order: string[] = [];
    const held = await lock.hold({ ttl: 30_000 });
    held.signal.addEventListener("abort", () => order.push("the first learns about its loss"));
    const waiting = lock.acquire(30_000, { wait: 60_000 }).then(() => order.push("the second is granted"));
    await pass(28_999);
    expect(order).toEqual([]);
    await pass(2_000);
    await waiting;
    expect(order).toEqual(["the first learns about its loss", "the second is granted"]);
  });
});

describe("redisson/redisson#5115", () => {
  it("work that hangs loses its lock after maxHold, although its renewals would go on", async () => {
    const { lock, renew } = counted();
    const signals: AbortSignal[] = [];
    void lock.withLock(({ signal }) => (signals.push(signal), silence()), { ttl: 30_000, maxHold: 120_000 });
    const waiting = lock.acquire(1_000, { wait: 600_000 });
    await pass(119_000);
    expect(renew).toHaveBeenCalled();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    await pass(1_001);
    expect(await waiting).toMatchObject({ success: true });
    await pass(600_000);
    expect(await lock.isLocked()).toBe(false);
  });
});

describe("CommunitySolidServer/CommunitySolidServer#2219", () => {
  it("no renewal, automatic or by hand, lengthens a lease beyond maxHold", async () => {
    const { lock } = counted();
    const since = Date.now();
    const held = await lock.hold({ ttl: 30_000, maxHold: 100_000 });
    for (let passed = 0; passed < 98_000; passed += 7_000) {
      await held.renew(50_000);
      const [holder] = (await lock.status()).holders;
      expect(holder?.deadline).toBeLessThanOrEqual(since + 100_000);
      await pass(7_000);
    }
    await pass(2_000);
    expect(held.signal.reason).toMatchObject({ code: "LEASE_LOST", why: "expired" });
    expect(await lock.isLocked()).toBe(false);
  });
});

describe("mike-marcacci/node-redlock#253", () => {
  it("the signal fires by time, although no renewal has failed", async () => {
    const { primitives } = grantingPrimitives({ renew: () => silence() });
    const { signal } = await createLock(primitives).hold({ ttl: 5_000 });
    await pass(4_499);
    expect(signal.aborted).toBe(false);
    await pass(1);
    expect(signal.reason).toMatchObject({ code: "LEASE_LOST", why: "unreachable" });
  });
});

describe("mike-marcacci/node-redlock#283", () => {
  it("a lease that turns out to have expired at a renewal fires the signal, and crashes nobody", async () => {
    const refused: RenewReply = { success: false, reason: "NO_LONGER_VALID", ended: "expired" };
    const { primitives, methods } = grantingPrimitives({ renew: async () => refused });
    const held = await createLock(primitives).hold({ ttl: 30_000 });
    await pass(10_000);
    expect(held.signal.reason).toMatchObject({ code: "LEASE_LOST", why: "expired" });
    await pass(60_000);
    expect(methods()).toEqual(["acquire", "renew"]);
    expect(unhandled).toEqual([]);
  });
});

describe("mike-marcacci/node-redlock#83", () => {
  it("an acquire and a renewal that are never answered still settle, as an outage", async () => {
    const { primitives } = grantingPrimitives({ acquire: () => silence(), cancel: () => silence() });
    const acquiring = failureOf(createLock(primitives).hold({ wait: 1_000 }));
    const { primitives: others } = grantingPrimitives({ renew: () => silence() });
    const held = await createLock(others).hold({ ttl: 30_000 });
    const renewing = failureOf(held.renew());
    await pass(7_000);
    expect(await acquiring).toMatchObject({ code: "UNREACHABLE" });
    expect(await renewing).toMatchObject({ code: "UNREACHABLE" });
    await held.release();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("mike-marcacci/node-redlock#369", () => {
  it("a lease that ended before its grant arrived is not worked under, and nothing of it stays", async () => {
    const { primitives, lock } = counted();
    const acquire = primitives.acquire.bind(primitives);
    primitives.acquire = async (request) => {
      const reply = await acquire(request);
      await sleep(6_000);
      return reply;
    };
    const work = vi.fn();
    const working = outcome(lock.withLock(work, { ttl: 5_000 }));
    await pass(6_000);
    expect((await working).error).toMatchObject({ code: "LEASE_LOST" });
    expect(work).not.toHaveBeenCalled();
    expect(await lock.isLocked()).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("alexpota/redlock-universal, run", () => {
  it("a short ttl does not make the renewals spin", async () => {
    for (const ttl of [1, 10, 100, 1_000, 1_250]) {
      const { primitives, methods } = grantingPrimitives({
        acquire: async () => ({ ...GRANT, validFor: ttl }),
        renew: async (_lease, asked) => ({ ...GRANT, validFor: asked }),
      });
      const held = await createLock(primitives).hold({ ttl });
      await pass(300);
      const renewals = methods().filter((method) => method === "renew").length;
      expect(renewals).toBeLessThanOrEqual(Math.ceil(300 / Math.max(10, ttl / 3)));
      await held.release();
    }
  });

  it("withLock rejects if the lease was lost, although its work never looked at the signal", async () => {
    const { lock } = counted();
    const work = async () => {
      await lock.forceRelease();
      return "done";
    };
    expect(await failureOf(lock.withLock(work))).toMatchObject({ code: "LEASE_LOST", why: "superseded" });
  });

  it("a renewal that fails after the work has ended does not set its timer again", async () => {
    const answer = Promise.withResolvers<RenewReply>();
    const { primitives, methods } = grantingPrimitives({ renew: () => answer.promise });
    const running = createLock(primitives).withLock(() => sleep(10_500), { ttl: 30_000 });
    await pass(10_500);
    await running;
    answer.reject(new Error("too late"));
    await pass(0);
    expect(vi.getTimerCount()).toBe(0);
    await pass(300_000);
    expect(methods()).toEqual(["acquire", "renew", "release"]);
    expect(unhandled).toEqual([]);
  });

  it("a renewal that is never answered ends in a signal and in a withLock that settles", async () => {
    const { primitives } = grantingPrimitives({ renew: () => silence() });
    const untilAborted = ({ signal }: { signal: AbortSignal }) =>
      new Promise<string>((resolve) => signal.addEventListener("abort", () => resolve("gave up")));
    const running = failureOf(createLock(primitives).withLock(untilAborted, { ttl: 10_000 }));
    await pass(9_000);
    expect(await running).toMatchObject({ code: "LEASE_LOST", why: "unreachable" });
    expect(vi.getTimerCount()).toBe(0);
  });
});
