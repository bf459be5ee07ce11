import { describe, expect, it, vi } from "vitest";
import type { AcquireReply } from "../../../../src/core/replies.ts";
import type { LockRequest } from "../../../../src/core/request.ts";
import { LeaseLostError, LockError, webLocks } from "../../../../src/index.ts";
import { type WebLockManagerOptions, createWebLocks } from "../../../../src/toolkit/web-locks/create-web-locks.ts";
import type { LockPrimitives } from "../../../../src/transport/primitives.ts";
import { fakeTime, pass, silence } from "../../../support/fake-time.ts";
import { failureOf, outcome, settled, sleep } from "../../../support/outcome.ts";
import { refusalFor } from "../../../support/refusal.ts";
import { scriptedPrimitives } from "../../../support/scripted-primitives.ts";
import { afterTurns, sweepTurns } from "../../../support/turns.ts";

fakeTime();

function managing(answers: Partial<LockPrimitives> = {}, options?: WebLockManagerOptions) {
  const { primitives, calls } = scriptedPrimitives({
    acquire: async ({ ttl }) => ({ success: true, lease: 7, deadline: 1, validFor: ttl }),
    renew: () => silence(),
    release: async () => true,
    cancel: async () => undefined,
    ...answers,
  });
  const locks = createWebLocks((name) => ({ ...primitives, id: name }), options);
  const request = () => calls[0]?.args[0] as LockRequest;
  return { locks, calls, request };
}

describe("Web lock", () => {
  it("A web lock is waited for without end, held while the callback runs, and then released.", async () => {
    const { locks, calls, request } = managing({}, { ttl: 5_000 });
    const value = await locks.request("mine", async (lock) => {
      expect(lock).toMatchObject({ name: "mine", mode: "exclusive", lease: 7 });
      expect(lock?.signal.aborted).toBe(false);
      return "done";
    });
    expect(value).toBe("done");
    expect(request()).toMatchObject({ wait: Infinity, ttl: 5_000, exclusive: true, steal: false });
    expect(calls.map(({ method }) => method)).toEqual(["acquire", "release"]);
  });

  it("A web lock can be shared, stolen, or taken only if it is available.", async () => {
    const shared = managing();
    await shared.locks.request("mine", { mode: "shared" }, () => {});
    expect(shared.request()).toMatchObject({ exclusive: false, permits: 1, wait: Infinity, steal: false });
    const stolen = managing();
    await stolen.locks.request("mine", { steal: true }, () => {});
    expect(stolen.request()).toMatchObject({ exclusive: true, wait: 0, steal: true });
    const available = managing();
    await available.locks.request("mine", { ifAvailable: true }, (lock) => expect(lock).not.toBeNull());
    expect(available.request()).toMatchObject({ wait: 0, steal: false });
  });

  it("A web lock that is not available calls back with null.", async () => {
    const { locks, calls } = managing({ acquire: async () => refusalFor("BORROWED") });
    expect(await locks.request("mine", { ifAvailable: true }, async (lock) => [lock])).toEqual([null]);
    expect(calls.map(({ method }) => method)).toEqual(["acquire"]);
  });

  it("A web lock that is refused for another reason rejects with that reason.", async () => {
    const full = managing({ acquire: async () => refusalFor("TOO_MANY_LEASES") }).locks;
    expect(await failureOf(full.request("mine", { ifAvailable: true }, () => {}))).toMatchObject({
      code: "TOO_MANY_LEASES",
    });
    const taken = managing({ acquire: async () => refusalFor("BORROWED") }).locks;
    expect(await failureOf(taken.request("mine", { steal: true }, () => {}))).toMatchObject({ code: "LOCK_TIMEOUT" });
  });

  it("A web lock whose callback throws rejects with that error.", async () => {
    const { locks } = managing();
    expect(await failureOf(locks.request("mine", () => Promise.reject(new Error("mine"))))).toMatchObject({
      message: "mine",
    });
  });

  it("A web lock whose callback throws the loss of another lock rejects with that loss unchanged.", async () => {
    const { locks } = managing();
    const other = new LeaseLostError("expired", 3, "another's");
    expect(await failureOf(locks.request("mine", () => Promise.reject(other)))).toBe(other);
  });

  it("A web lock that can't be reached rejects with the outage, not with an AbortError.", async () => {
    const closed = new LockError("UNREACHABLE", "The lock service is closed.");
    const { locks } = managing({ acquire: () => Promise.reject(closed) });
    expect(await failureOf(locks.request("mine", () => {}))).toMatchObject({ code: "UNREACHABLE" });
  });

  it("A web lock that is lost rejects at once, while its callback runs on.", async () => {
    const { locks } = managing();
    let lost: unknown;
    const requested = failureOf(
      locks.request("mine", async (lock) => {
        lock?.signal.addEventListener("abort", () => (lost = lock.signal.reason));
        await silence();
      }),
    );
    await pass(28_999);
    expect(await settled(requested)).toBe("parked");
    await pass(1);
    expect(await requested).toMatchObject({ name: "AbortError", cause: { code: "LEASE_LOST" } });
    expect(lost).toMatchObject({ code: "LEASE_LOST" });
  });

  it("A web lock that is granted after its lease has ended is lost too.", async () => {
    const acquire = async ({ ttl }: LockRequest): Promise<AcquireReply> => {
      await sleep(2_000);
      return { success: true, lease: 7, deadline: 1, validFor: ttl };
    };
    const { locks } = managing({ acquire }, { ttl: 1_000 });
    const requested = failureOf(locks.request("mine", () => {}));
    await pass(2_000);
    expect(await requested).toMatchObject({ name: "AbortError", cause: { code: "LEASE_LOST" } });
  });

  it("A web lock's signal ends its wait with the signal's reason, even if that is the loss of another lock.", async () => {
    const { locks, calls } = managing({ acquire: () => silence() });
    const other = managing();
    const lost = await new Promise<unknown>((resolve) => {
      void failureOf(
        other.locks.request("other", async (lock) => {
          lock?.signal.addEventListener("abort", () => resolve(lock.signal.reason));
          await silence();
        }),
      );
      void pass(29_000);
    });
    const controller = new AbortController();
    const requested = failureOf(locks.request("mine", { signal: controller.signal }, () => {}));
    await pass(10);
    controller.abort(lost);
    expect(await requested).toBe(lost);
    expect(calls.map(({ method }) => method)).toEqual(["acquire", "cancel"]);
  });

  it("A web lock rejects at once when its signal fires, and its request is cancelled in the background.", async () => {
    const { locks, calls } = managing({ acquire: () => silence(), cancel: () => silence() });
    const controller = new AbortController();
    const requested = failureOf(locks.request("mine", { signal: controller.signal }, () => {}));
    await pass(10);
    controller.abort("enough");
    await pass(0);
    expect(await settled(requested)).toBe("enough");
    expect(await locks.query()).toEqual({ held: [], pending: [] });
    expect(calls.map(({ method }) => method)).toEqual(["acquire", "cancel"]);
    await pass(1_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("A web lock leaves no lease behind, whenever its signal fires during the grant.", async () => {
    const left = await sweepTurns(async (turns) => {
      const { locks, calls } = managing();
      const controller = new AbortController();
      let ran = false;
      const requested = outcome(locks.request("mine", { signal: controller.signal }, () => (ran = true)));
      afterTurns(turns, () => controller.abort("enough"));
      const { error } = await requested;
      await pass(0);
      const last = calls.at(-1)?.method;
      return ran ? error === undefined && last === "release" : error === "enough" && last !== "acquire";
    });
    expect(left).not.toContain(false);
  });

  it("A web lock that is held does not end when its signal fires.", async () => {
    const controller = new AbortController();
    const { locks } = managing();
    const value = locks.request("mine", { signal: controller.signal }, async () => {
      controller.abort();
      await sleep(100);
      return "done";
    });
    await pass(100);
    expect(await value).toBe("done");
  });
});

describe("Order of one manager's requests", () => {
  /** Primitives that say when a request has arrived only when the test does. */
  const arriving = () => {
    const arrivals: (() => void)[] = [];
    const acquire: LockPrimitives["acquire"] = (_request, _signal, onQueued) => {
      arrivals.push(() => onQueued?.());
      return silence();
    };
    return { ...managing({ acquire }), arrivals };
  };

  it("Requests for one name are sent one by one, each when the one before it has arrived.", async () => {
    const { locks, calls, arrivals } = arriving();
    for (let n = 0; n < 3; n += 1) void locks.request("mine", () => {});
    void locks.request("another", () => {});
    expect(calls).toHaveLength(2);
    arrivals[0]?.();
    await pass(0);
    expect(calls).toHaveLength(3);
    await pass(1_000);
    expect(calls).toHaveLength(3);
    arrivals[2]?.();
    await pass(0);
    expect(calls).toHaveLength(4);
  });

  it("Requests for one name are sent after 5 s even if the one before is not known to have arrived, and later ones at once.", async () => {
    const { locks, calls } = arriving();
    for (let n = 0; n < 3; n += 1) void locks.request("mine", () => {});
    await pass(4_999);
    expect(calls).toHaveLength(1);
    await pass(1);
    expect(calls).toHaveLength(3);
    void locks.request("mine", () => {});
    expect(calls).toHaveLength(4);
  });

  it("Requests for one name keep their order if one of them is aborted before it is sent.", async () => {
    const { locks, calls, arrivals } = arriving();
    const controller = new AbortController();
    void locks.request("mine", () => {});
    const aborted = failureOf(locks.request("mine", { signal: controller.signal }, () => {}));
    void locks.request("mine", { mode: "shared" }, () => {});
    controller.abort("enough");
    expect(await aborted).toBe("enough");
    await pass(0);
    expect(calls.map(({ method }) => method)).toEqual(["acquire"]);
    arrivals[0]?.();
    await pass(0);
    expect(calls.map(({ method }) => method)).toEqual(["acquire", "acquire"]);
    expect(calls[1]?.args[0]).toMatchObject({ exclusive: false });
  });

  it("Requests for one name leave no timer behind when they are aborted.", async () => {
    const { locks } = arriving();
    const controller = new AbortController();
    const requests = [1, 2].map(() => failureOf(locks.request("mine", { signal: controller.signal }, () => {})));
    controller.abort("enough");
    expect(await Promise.all(requests)).toEqual(["enough", "enough"]);
    await pass(1_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("Requests for one name are answered one after the other if the transport does not report arrivals.", async () => {
    const answers: ((reply: AcquireReply) => void)[] = [];
    const { locks, calls } = managing({ acquire: () => new Promise((resolve) => answers.push(resolve)) });
    const requests = [1, 2].map(() => locks.request("mine", { ifAvailable: true }, (lock) => lock?.lease));
    expect(calls).toHaveLength(1);
    answers[0]?.({ success: true, lease: 7, deadline: 1, validFor: 30_000 });
    await pass(0);
    answers[1]?.({ success: true, lease: 8, deadline: 1, validFor: 30_000 });
    expect(await Promise.all(requests)).toEqual([7, 8]);
  });
});

describe("Manager that steals from itself", () => {
  it("A manager that steals from itself ends its own hold at once, with the cause, and the callback goes on.", async () => {
    let leases = 6;
    const { locks, calls } = managing({
      acquire: async ({ ttl }) => ({ success: true, lease: (leases += 1), deadline: 1, validFor: ttl }),
    });
    const gate = Promise.withResolvers<void>();
    let lost: AbortSignal | undefined;
    let wentOn = false;
    const victim = failureOf(
      locks.request("mine", async (lock) => {
        lost = lock?.signal;
        await gate.promise;
        wentOn = true;
      }),
    );
    const other = locks.request("another", () => gate.promise);
    await pass(0);
    const isLostByNow = await locks.request("mine", { steal: true }, async () => {
      expect((await locks.query()).held).toMatchObject([{ name: "another" }, { name: "mine" }]);
      return lost?.aborted;
    });
    expect(isLostByNow).toBe(true);
    const error = await victim;
    expect(error).toBeInstanceOf(DOMException);
    expect(error).toMatchObject({ name: "AbortError", cause: { code: "LEASE_LOST", why: "superseded", lease: 7 } });
    expect(Object.keys(error as object)).not.toContain("cause");
    gate.resolve();
    await other;
    await pass(0);
    expect(wentOn).toBe(true);
    expect(calls.map(({ method }) => method).filter((method) => method === "renew")).toEqual([]);
  });
});

describe("Lists of a manager", () => {
  it("A manager lists a lock as held from the first line of its callback on.", async () => {
    const { locks } = managing();
    const listed = await locks.request("mine", () => locks.query());
    expect(listed).toEqual({ held: [{ name: "mine", mode: "exclusive", clientId: expect.any(String) }], pending: [] });
  });

  it("A manager returns its lists as copies.", async () => {
    const { locks } = managing();
    await locks.request("mine", async () => {
      const [one, other] = [await locks.query(), await locks.query()];
      for (const info of one.held) info.name = "changed";
      one.held.length = 0;
      expect(other.held).toMatchObject([{ name: "mine" }]);
      expect((await locks.query()).held).toMatchObject([{ name: "mine" }]);
    });
  });

  it("A manager does not list a request that does not wait.", async () => {
    const { locks } = managing({ acquire: () => silence() });
    void locks.request("available", { ifAvailable: true }, () => {}).catch(() => {});
    void locks.request("stolen", { steal: true }, () => {}).catch(() => {});
    expect(await locks.query()).toEqual({ held: [], pending: [] });
  });

  it("A manager lists a request for as long as it waits, however long.", async () => {
    const { locks } = managing({
      acquire: ({ wait }) => sleep(Math.min(wait, 25_000)).then(() => refusalFor("BORROWED")),
    });
    void locks.request("mine", () => {});
    await pass(600_000);
    expect((await locks.query()).pending).toMatchObject([{ name: "mine" }]);
  });

  it("A manager lists pending requests in the order of the requests, and held locks in the order of the grants.", async () => {
    const grants = new Map<string, (reply: AcquireReply) => void>();
    const { primitives } = scriptedPrimitives({ renew: () => silence(), release: async () => true });
    const locks = createWebLocks(
      (id) => ({ ...primitives, id, acquire: () => new Promise((resolve) => grants.set(id, resolve)) }),
      undefined,
    );
    for (const name of ["a", "b", "c"]) void locks.request(name, () => silence());
    const names = async () => {
      const { held, pending } = await locks.query();
      return [held.map(({ name }) => name), pending.map(({ name }) => name)];
    };
    expect(await names()).toEqual([[], ["a", "b", "c"]]);
    for (const name of ["c", "a"]) {
      grants.get(name)?.({ success: true, lease: 7, deadline: 1, validFor: 30_000 });
      await pass(0);
    }
    expect(await names()).toEqual([["c", "a"], ["b"]]);
  });

  it("A manager lists its own requests while they wait or are held, without asking the object.", async () => {
    const { promise, resolve } = Promise.withResolvers<AcquireReply>();
    const { locks, request, calls } = managing({ acquire: () => promise });
    const gate = Promise.withResolvers<void>();
    const requested = locks.request("mine", { mode: "shared" }, () => gate.promise);
    const clientId = request().owner;
    const info = { name: "mine", mode: "shared", clientId };
    expect(clientId).toMatch(/^[0-9a-f-]{36}$/);
    expect(await locks.query()).toEqual({ held: [], pending: [info] });
    resolve({ success: true, lease: 7, deadline: 1, validFor: 30_000 });
    await pass(0);
    expect(await locks.query()).toEqual({ held: [info], pending: [] });
    gate.resolve();
    await requested;
    expect(await locks.query()).toEqual({ held: [], pending: [] });
    expect(calls.map(({ method }) => method)).toEqual(["acquire", "release"]);
  });

  it("A manager's query with a name lists what the lock's object knows.", async () => {
    const claim = { permits: 1, capacity: 1 };
    const status = async () => ({
      locked: true,
      holders: [{ ...claim, exclusive: true, lease: 1, since: 0, deadline: 1, owner: "me" }],
      waiters: [{ ...claim, exclusive: false, waited: 5 }],
    });
    const { locks } = managing({ status });
    expect(await locks.query("mine")).toEqual({
      held: [{ name: "mine", mode: "exclusive", clientId: "me" }],
      pending: [{ name: "mine", mode: "shared" }],
    });
    const silent = managing({ status: () => silence() });
    const asked = failureOf(silent.locks.query("mine"));
    await pass(5_000);
    expect(await asked).toMatchObject({ code: "UNREACHABLE" });
  });
});

describe("Options of a manager", () => {
  it("A manager's owner labels its requests and is its clientId.", async () => {
    const { locks, request } = managing({}, { owner: "importer" });
    const { held } = await locks.request("mine", () => locks.query());
    expect(held).toMatchObject([{ clientId: "importer" }]);
    expect(request().owner).toBe("importer");
  });

  it("A manager's maxHold ends a hold, and its request rejects with an AbortError.", async () => {
    const { locks, request } = managing({}, { maxHold: 4_000 });
    const requested = failureOf(locks.request("mine", () => silence()));
    expect(request().ttl).toBe(4_000);
    await pass(4_000);
    expect(await requested).toMatchObject({ name: "AbortError", cause: { why: "expired" } });
    expect((await requested) as Error).toMatchObject({ message: expect.stringContaining("maxHold") });
  });

  it.each([
    ["owner", { owner: "" }],
    ["maxHold", { maxHold: 0 }],
    ["releaseOnExit", { releaseOnExit: 1 }],
    ["mode", { mode: "shared" }],
  ])("G9 A bad %s is refused when the manager is made.", (argument, options) => {
    expect(() => managing({}, options as never)).toThrow(expect.objectContaining({ argument }));
  });
});

describe("Bad arguments of a manager", () => {
  it.each([
    ["the empty string", ""],
    ["513 bytes", "x".repeat(513)],
    ["a lone surrogate", "\ud800"],
  ])("G9 A name of %s rejects, names the argument, and sends nothing.", async (_what, name) => {
    const { locks, calls } = managing();
    for (const refused of [locks.request(name, vi.fn()), locks.query(name)]) {
      const error = await failureOf(refused);
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "name" });
      expect(error).toMatchObject({ message: expect.stringMatching(/^name must be/) });
    }
    expect(calls).toEqual([]);
    expect(await locks.query()).toEqual({ held: [], pending: [] });
  });

  it("G9 The methods of a manager never throw: they return a promise.", async () => {
    const { locks } = managing();
    const bare = locks as unknown as Record<"request" | "query", (...args: unknown[]) => Promise<unknown>>;
    expect(await failureOf(bare.request())).toBeInstanceOf(TypeError);
    expect(await failureOf(bare.request(Symbol("a"), () => {}))).toBeInstanceOf(TypeError);
    expect(await failureOf(bare.query(Symbol("a")))).toBeInstanceOf(TypeError);
  });

  it("G9 A bad argument is refused when the manager is made, or as the standard says.", async () => {
    expect(() => webLocks({} as never)).toThrow(expect.objectContaining({ argument: "namespace" }));
    expect(() => managing({}, { ttl: 0 })).toThrow(expect.objectContaining({ argument: "ttl" }));
    expect(() => managing({}, { wait: 1 } as never)).toThrow(expect.objectContaining({ argument: "wait" }));
    const { locks, calls } = managing();
    expect(await failureOf(locks.request("mine", undefined as never))).toBeInstanceOf(TypeError);
    expect(await failureOf(locks.request("-mine", vi.fn()))).toMatchObject({ name: "NotSupportedError" });
    expect(calls).toEqual([]);
  });
});
