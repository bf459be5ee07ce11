import { describe, expect, it, vi } from "vitest";
import type { RenewReply } from "../../../src/core/replies.ts";
import { createLock, createReadWriteLock, createSemaphore } from "../../../src/index.ts";
import type { LockPrimitives } from "../../../src/transport/primitives.ts";
import { fakeTime, pass, silence } from "../../support/fake-time.ts";
import { failureOf } from "../../support/outcome.ts";
import { refusalFor } from "../../support/refusal.ts";
import { GRANT, grantingPrimitives } from "../../support/scripted-primitives.ts";

fakeTime();

const AFTER = {
  BORROWED: { retryAfter: 5 },
  NO_LONGER_VALID: {},
  QUEUE_FULL: { retryAfter: 5 },
  TOO_MANY_LEASES: { retryAfter: 5 },
};

function scripted(answers?: Partial<LockPrimitives>) {
  const granting = grantingPrimitives(answers);
  return { ...granting, lock: createLock(granting.primitives) };
}

describe("Primitives of a lock", () => {
  it("A grant shows its lease number and its deadline, and nothing of the client's clock.", async () => {
    const { lock, calls } = scripted();
    expect(await lock.acquire(1_000)).toEqual({ success: true, lease: 7, deadline: 1 });
    expect(await lock.renew(7, 2_000, { requestId: "mine" })).toEqual({ success: true, lease: 7, deadline: 1 });
    expect(calls[1]?.args).toEqual([7, 2_000, "mine"]);
  });

  it.each(["BORROWED", "NO_LONGER_VALID", "QUEUE_FULL", "TOO_MANY_LEASES"] as const)(
    "The refusal %s is returned as a result.",
    async (reason) => {
      const { lock } = scripted({
        acquire: async () => refusalFor(reason, AFTER[reason]),
        release: async () => refusalFor(reason),
      });
      expect(await lock.acquire(1_000)).toEqual({ success: false, reason, ...AFTER[reason] });
      expect(await lock.release(7)).toEqual({ success: false, reason });
      expect(await lock.tryWithLock(() => {})).toEqual({ acquired: false, reason, ...AFTER[reason] });
    },
  );

  it("A refusal that a plain lock never asks for is a VERSION_MISMATCH.", async () => {
    const { lock } = scripted({
      acquire: async () => refusalFor("RECORDED"),
      release: async () => refusalFor("RECORDED"),
    });
    for (const call of [lock.acquire(1_000), lock.release(7), lock.tryWithLock(() => {})])
      expect(await failureOf(call)).toMatchObject({ code: "VERSION_MISMATCH" });
  });

  it("acquire with a lease number renews, and with or without options it acquires.", async () => {
    const { lock, methods } = scripted();
    await lock.acquire(1_000, 7);
    await lock.acquire(1_000, { owner: "me" });
    await lock.acquire(1_000, undefined);
    await lock.acquire(1_000, null);
    expect(methods()).toEqual(["renew", "acquire", "acquire", "acquire"]);
  });

  it("release returns true and sends a request id, the given one or a new one.", async () => {
    const { lock, calls } = scripted();
    expect(await lock.release(7, { requestId: "mine" })).toBe(true);
    expect(calls[0]?.args).toEqual([7, "mine"]);
    expect(await lock.release(7)).toBe(true);
    expect(calls[1]?.args[1]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("A bad argument of a primitive sends nothing.", async () => {
    const { lock, calls } = scripted();
    const bad = [
      lock.renew(0, 1_000),
      lock.renew(7, 0),
      lock.renew(7, 1_000, { requestId: "" }),
      lock.release(0),
      lock.release(7, { requestId: "" }),
      lock.resume(0),
      lock.withLock(undefined as never),
      lock.tryWithLock(undefined as never),
    ];
    for (const call of bad) expect(await failureOf(call)).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(calls).toEqual([]);
  });

  it("forceRelease returns the object's number, or throws its refusal.", async () => {
    const { lock } = scripted({ forceRelease: async () => 9 });
    expect(await lock.forceRelease()).toBe(9);
    const refused = scripted({ forceRelease: async () => refusalFor("INVALID_ARGUMENT", { argument: "requestId" }) });
    expect(await failureOf(refused.lock.forceRelease())).toMatchObject({ argument: "requestId" });
  });

  it.each([[undefined], [null], [true], ["done"], [{ success: true }], [{ asked: 3 }]])(
    "requestRelease accepts %j as an answer.",
    async (reply) => {
      const { lock } = scripted({ requestRelease: async () => reply });
      expect(await lock.requestRelease()).toBeUndefined();
    },
  );

  it("requestRelease throws the object's refusal.", async () => {
    const { lock } = scripted({
      requestRelease: async () => refusalFor("INVALID_ARGUMENT", { argument: "requestId" }),
    });
    expect(await failureOf(lock.requestRelease())).toMatchObject({ argument: "requestId" });
  });

  it("G9 A call that gets no answer within 5 s is an outage.", async () => {
    const never = () => silence<never>();
    const { lock } = scripted({
      renew: never,
      release: never,
      isLocked: never,
      status: never,
      forceRelease: never,
      requestRelease: never,
    });
    const calls = [
      lock.renew(7, 1_000),
      lock.release(7),
      lock.isLocked(),
      lock.status(),
      lock.forceRelease(),
      lock.requestRelease(),
    ].map((call) => failureOf(call));
    await pass(5_000);
    for (const call of calls) expect(await call).toMatchObject({ code: "UNREACHABLE" });
  });
});

describe("Combinators on a lock", () => {
  it("G1 withLock and tryWithLock release the lock when the work is done, and ask for it only once.", async () => {
    const { lock, methods } = scripted();
    expect(await lock.withLock(({ lease }) => lease)).toBe(7);
    expect(await lock.tryWithLock(async () => "done")).toEqual({ acquired: true, value: "done" });
    expect(methods()).toEqual(["acquire", "release", "acquire", "release"]);
  });

  it("G1 tryWithLock does not wait for the lock.", async () => {
    const { lock, calls } = scripted();
    await lock.tryWithLock(() => {});
    expect(calls[0]?.args[0]).toMatchObject({ wait: 0, ttl: 30_000 });
  });
});

describe("Conversion between reader and writer", () => {
  const converting = (convert: LockPrimitives["convert"], rest: Partial<LockPrimitives> = {}) => {
    const made = scripted({ convert, ...rest });
    return { ...made, ...createReadWriteLock(made.primitives) };
  };

  it("G1 A reader that becomes the writer, and back, sends its new claim each time.", async () => {
    const { read, upgrade, downgrade, calls } = converting(async () => GRANT);
    const held = await read.hold();
    expect(await upgrade(held)).toBe(true);
    expect(await downgrade(held)).toBeUndefined();
    expect(calls.slice(1).map(({ args }) => args[1])).toEqual([
      { exclusive: true, permits: 1, capacity: 1 },
      { exclusive: false, permits: 1, capacity: Infinity },
    ]);
    await held.release();
  });

  it.each(["BORROWED", "TOO_MANY_LEASES"] as const)(
    "G1 A reader stays a reader if the upgrade is refused (%s).",
    async (reason) => {
      const { read, upgrade } = converting(async () => refusalFor(reason));
      const held = await read.hold();
      expect(await upgrade(held)).toBe(false);
      expect(held.isLost()).toBe(false);
      await held.release();
    },
  );

  it("G1 A conversion that finds the lease gone fires the holder's signal and rejects with its reason.", async () => {
    const gone = async () => refusalFor("NO_LONGER_VALID", { ended: "expired" });
    const { read, upgrade } = converting(gone, { renew: gone });
    const held = await read.hold();
    expect(await failureOf(upgrade(held))).toBe(held.signal.reason);
    expect(held.signal.reason).toMatchObject({ why: "expired" });
  });

  it("G1 A conversion that finds the lease gone rejects with LEASE_LOST even if a renewal does not find that out.", async () => {
    const { read, upgrade } = converting(async () => refusalFor("NO_LONGER_VALID", { ended: "expired" }));
    const held = await read.hold();
    expect(await failureOf(upgrade(held))).toMatchObject({ code: "LEASE_LOST", why: "expired", lease: 7 });
    await held.release();
  });

  it("G1 A lease that is lost before or during a conversion rejects the conversion with its loss.", async () => {
    const { promise, resolve } = Promise.withResolvers<RenewReply>();
    const { read, upgrade, methods } = converting(() => promise, { renew: () => silence() });
    const held = await read.hold({ ttl: 30_000 });
    await pass(25_000);
    const upgraded = failureOf(upgrade(held));
    await pass(4_000);
    expect(held.signal.aborted).toBe(true);
    expect(await upgraded).toBe(held.signal.reason);
    resolve(GRANT);
    const before = methods().length;
    expect(await failureOf(upgrade(held))).toBe(held.signal.reason);
    expect(methods()).toHaveLength(before);
  });

  it("G1 A lease that is converted but has run out by the clock is lost.", async () => {
    const { read, upgrade } = converting(async () => {
      vi.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
      return GRANT;
    });
    const held = await read.hold({ ttl: 30_000 });
    expect(await failureOf(upgrade(held))).toBe(held.signal.reason);
    expect(held.signal.aborted).toBe(true);
  });
});

describe("Permits of a semaphore", () => {
  it("G1 withPermits requests as many permits as it is given, and refuses a bad number.", async () => {
    const { primitives, calls } = scripted();
    const semaphore = createSemaphore(primitives, { permits: 5 });
    expect(semaphore.permits).toBe(5);
    expect(await semaphore.withPermits(3, ({ lease }) => lease, { owner: "me" })).toBe(7);
    expect(calls[0]?.args[0]).toMatchObject({ exclusive: false, permits: 3, capacity: 5, owner: "me" });
    for (const count of [0, 6, 1.5, undefined as never])
      expect(await failureOf(semaphore.withPermits(count, () => {}))).toMatchObject({ argument: "permits" });
    const twice = { permits: 2 } as never;
    expect(await failureOf(semaphore.withPermits(3, () => {}, twice))).toMatchObject({ argument: "permits" });
    expect(() => createSemaphore(primitives, { permits: 0 })).toThrow(/permits/);
  });
});
