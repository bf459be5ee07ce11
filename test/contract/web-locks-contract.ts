import { describe, expect, it, vi } from "vitest";
import type { WebLock, WebLockManager, WebLockOptions } from "../../src/client.ts";
import { freshId, outcome } from "../support/outcome.ts";

// Modelled on the web platform tests for Web Locks: https://github.com/web-platform-tests/wpt/tree/master/web-locks.

/** A lock that is held until `letGo` is called. */
async function hold(locks: WebLockManager, name: string, options: WebLockOptions = {}) {
  const { promise, resolve: letGo } = Promise.withResolvers<void>();
  const granted = Promise.withResolvers<WebLock>();
  const released = outcome(
    locks.request(name, options, async (lock) => {
      granted.resolve(lock as WebLock);
      await promise;
      return "released";
    }),
  );
  void released.then(({ error }) => granted.reject(error));
  return { lock: await granted.promise, letGo, released };
}

const soon = { timeout: 10_000, interval: 20 };
const names = (infos: { name: string }[]) => infos.map(({ name }) => name);

/** A transport of lock managers. */
interface Fixture {
  /** Makes another manager of the same locks. */
  make: () => WebLockManager;
  /** Whether requests of one manager for one name arrive in the order in which they were made. */
  keepsOrder: boolean;
}

/** What every lock manager must do. */
export function describeWebLocks(transport: string, { make, keepsOrder }: Fixture): void {
  const untilPending = (name: string, count: number) =>
    vi.waitFor(async () => expect((await make().query(name)).pending).toHaveLength(count), soon);

  describe.concurrent(`Web Locks over ${transport}: acquire`, () => {
    it("A web lock request settles with what its callback returns, a value or a promise.", async () => {
      const locks = make();
      expect(await locks.request(freshId(), () => 123)).toBe(123);
      expect(await locks.request(freshId(), async () => 123)).toBe(123);
      expect(await locks.request(freshId(), {}, () => 123)).toBe(123);
      expect(await locks.request(freshId(), undefined, () => 123)).toBe(123);
      expect(await locks.request(freshId(), null, () => 123)).toBe(123);
    });

    it("A web lock request rejects with what its callback throws or rejects with.", async () => {
      const own = new Error("own");
      const throwing = () => {
        throw own;
      };
      expect(await outcome(make().request(freshId(), throwing))).toEqual({ error: own });
      expect(await outcome(make().request(freshId(), () => Promise.reject(own)))).toEqual({ error: own });
    });

    it("A web lock request does not call back in its own turn.", async () => {
      let isCalled = false;
      const requested = make().request(freshId(), () => (isCalled = true));
      expect(isCalled).toBe(false);
      expect(await requested).toBe(true);
    });

    it("One manager's requests are all granted, in the order they were made if they arrive in that order.", async () => {
      const [locks, name, order] = [make(), freshId(), [] as number[]];
      await Promise.all([1, 2, 3, 4, 5].map((n) => locks.request(name, () => order.push(n))));
      expect(keepsOrder ? order : order.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
    });

    it("A web lock request is refused with a rejection.", async () => {
      const bare = make() as unknown as { request(...args: unknown[]): Promise<unknown> };
      const isTypeError = { error: expect.any(TypeError) };
      expect(await outcome(bare.request())).toEqual(isTypeError);
      expect(await outcome(bare.request(freshId()))).toEqual(isTypeError);
      expect(await outcome(bare.request(freshId(), {}))).toEqual(isTypeError);
      expect(await outcome(bare.request(freshId(), { mode: "foo" }, () => {}))).toEqual(isTypeError);
      expect(await outcome(bare.request(freshId(), { mode: null }, () => {}))).toEqual(isTypeError);
      expect(await outcome(bare.request("-", () => {}))).toMatchObject({ error: { name: "NotSupportedError" } });
    });
  });

  describe.concurrent(`Web Locks over ${transport}: resource names and lock attributes`, () => {
    it("Web locks accept names of all sorts, each a separate lock.", async () => {
      const id = freshId();
      const sorts = [
        id,
        `${id} `,
        `${id}\0b`,
        `${id}-`,
        `${id}/../x`,
        `${id}?#%2F`,
        `${id}\u00e9`,
        `${id}e\u0301`,
        `${id}😀`,
      ];
      const held = await Promise.all(sorts.map((name) => hold(make(), name)));
      expect(held.map(({ lock }) => lock.name)).toEqual(sorts);
      for (const { letGo } of held) letGo();
      for (const { released } of held) expect(await released).toEqual({ value: "released" });
    });

    it("The callback of a web lock gets its name and mode.", async () => {
      const name = freshId();
      expect(await make().request(name, (lock) => lock)).toMatchObject({ name, mode: "exclusive" });
      expect(await make().request(name, { mode: "exclusive" }, (lock) => lock)).toMatchObject({ mode: "exclusive" });
      expect(await make().request(name, { mode: "shared" }, (lock) => lock)).toMatchObject({ name, mode: "shared" });
    });
  });

  describe.concurrent(`Web Locks over ${transport}: modes and held`, () => {
    it("An exclusive web lock excludes every other until it is released.", async () => {
      const [locks, name] = [make(), freshId()];
      const first = await hold(locks, name);
      let isGranted = false;
      const second = locks.request(name, { mode: "shared" }, () => (isGranted = true));
      await untilPending(name, 1);
      expect(isGranted).toBe(false);
      first.letGo();
      expect(await second).toBe(true);
    });

    it("A web lock is also released when its callback's promise rejects.", async () => {
      const [locks, name] = [make(), freshId()];
      const gate = Promise.withResolvers<void>();
      const first = outcome(locks.request(name, () => gate.promise));
      const second = locks.request(name, () => "second");
      await untilPending(name, 1);
      gate.reject(new Error("own"));
      expect(await first).toMatchObject({ error: { message: "own" } });
      expect(await second).toBe("second");
    });

    it("Shared web locks are held together, and granted in order if their requests arrive in order.", async () => {
      const [locks, name, order] = [make(), freshId(), [] as number[]];
      const gate = Promise.withResolvers<void>();
      const requests = [1, 2, 3].map((n) =>
        locks.request(name, { mode: "shared" }, async () => {
          if (order.push(n) === 3) gate.resolve();
          await gate.promise;
        }),
      );
      await Promise.all(requests);
      expect(keepsOrder ? order : order.sort((a, b) => a - b)).toEqual([1, 2, 3]);
    });

    it("A shared web lock request waits behind a waiting exclusive one.", async () => {
      const [locks, name, order] = [make(), freshId(), [] as string[]];
      const reader = await hold(locks, name, { mode: "shared" });
      const writer = locks.request(name, () => order.push("exclusive"));
      await untilPending(name, 1);
      const late = locks.request(name, { mode: "shared" }, () => order.push("shared"));
      await untilPending(name, 2);
      reader.letGo();
      await Promise.all([writer, late]);
      expect(order).toEqual(["exclusive", "shared"]);
    });

    it("Web locks of different names do not exclude each other.", async () => {
      const locks = make();
      const [one, other] = [await hold(locks, freshId()), await hold(locks, freshId())];
      one.letGo();
      other.letGo();
      expect(await Promise.all([one.released, other.released])).toHaveLength(2);
    });
  });

  describe.concurrent(`Web Locks over ${transport}: ifAvailable`, () => {
    it("ifAvailable gives the lock if it is free, and null if it is held or waited for.", async () => {
      const [locks, name] = [make(), freshId()];
      expect(await locks.request(name, { ifAvailable: true }, (lock) => lock?.name)).toBe(name);
      const reader = await hold(locks, name, { mode: "shared" });
      expect(await locks.request(name, { ifAvailable: true }, (lock) => lock)).toBe(null);
      expect(await locks.request(name, { ifAvailable: true, mode: "shared" }, (lock) => lock?.mode)).toBe("shared");
      const writer = locks.request(name, () => {});
      await untilPending(name, 1);
      expect(await locks.request(name, { ifAvailable: true, mode: "shared" }, (lock) => lock)).toBe(null);
      reader.letGo();
      await writer;
    });

    it("ifAvailable settles as its callback does after it got null.", async () => {
      const [locks, name] = [make(), freshId()];
      const { letGo } = await hold(locks, name);
      const ask = <T>(callback: () => T) => outcome(locks.request(name, { ifAvailable: true }, callback));
      expect(await ask(async () => 123)).toEqual({ value: 123 });
      expect(await ask(() => Promise.reject(new Error("own")))).toMatchObject({ error: { message: "own" } });
      letGo();
    });

    it("ifAvailable holds nothing while its callback runs with null.", async () => {
      const [locks, name] = [make(), freshId()];
      const first = await hold(locks, name);
      const [gate, called] = [Promise.withResolvers<void>(), Promise.withResolvers<WebLock | null>()];
      const unavailable = locks.request(name, { ifAvailable: true }, (lock) => {
        called.resolve(lock);
        return gate.promise;
      });
      expect(await called.promise).toBe(null);
      first.letGo();
      await first.released;
      expect(await locks.request(name, () => "free")).toBe("free");
      gate.resolve();
      await unavailable;
    });
  });

  describe.concurrent(`Web Locks over ${transport}: signal`, () => {
    it("The signal of a web lock request must be an AbortSignal that has not fired.", async () => {
      const [locks, run] = [make(), vi.fn()];
      for (const signal of [null, {}, "signal", 0]) {
        const { error } = await outcome(locks.request(freshId(), { signal } as never, run));
        expect(error).toBeInstanceOf(TypeError);
      }
      const aborted = { signal: AbortSignal.abort() };
      expect(await outcome(locks.request(freshId(), aborted, run))).toMatchObject({ error: { name: "AbortError" } });
      expect(await outcome(locks.request(freshId(), { signal: AbortSignal.abort("own") }, run))).toEqual({
        error: "own",
      });
      expect(run).not.toHaveBeenCalled();
    });

    it("The signal of a web lock request takes a waiting request out of the queue.", async () => {
      const [locks, name, controller, run] = [make(), freshId(), new AbortController(), vi.fn()];
      const first = await hold(locks, name);
      const aborted = outcome(locks.request(name, { signal: controller.signal }, run));
      const next = locks.request(name, () => "next");
      await untilPending(name, 2);
      controller.abort("own");
      expect(await aborted).toEqual({ error: "own" });
      expect((await locks.query()).pending).toHaveLength(1);
      await untilPending(name, 1);
      first.letGo();
      expect(await next).toBe("next");
      expect(run).not.toHaveBeenCalled();
    });

    it("The signal of a web lock request that fires right after the request takes effect before the grant.", async () => {
      const [locks, name, controller, run] = [make(), freshId(), new AbortController(), vi.fn()];
      const aborted = outcome(locks.request(name, { signal: controller.signal }, run));
      controller.abort("own");
      expect(await aborted).toEqual({ error: "own" });
      expect(await locks.request(name, () => "free")).toBe("free");
      expect(run).not.toHaveBeenCalled();
    });

    it("The signal of a web lock request has no effect once the lock is granted or released.", async () => {
      const [locks, name, controller] = [make(), freshId(), new AbortController()];
      const { signal } = controller;
      expect(await locks.request(name, { signal }, () => "before")).toBe("before");
      const held = await hold(locks, name, { signal });
      controller.abort();
      held.letGo();
      expect(await held.released).toEqual({ value: "released" });
    });
  });

  describe.concurrent(`Web Locks over ${transport}: steal`, () => {
    it("steal takes a lock that is free.", async () => {
      expect(await make().request(freshId(), { steal: true }, (lock) => lock?.mode)).toBe("exclusive");
    });

    it("steal takes the manager's own locks at once, exclusive or shared, and their callbacks go on.", async () => {
      for (const mode of ["exclusive", "shared"] as const) {
        const [locks, name] = [make(), freshId()];
        const victims = [await hold(locks, name, { mode })];
        if (mode === "shared") victims.push(await hold(locks, name, { mode }));
        const thief = await hold(locks, name, { steal: true });
        for (const { released, lock } of victims) {
          const { error } = await released;
          expect(error).toBeInstanceOf(DOMException);
          expect(error).toMatchObject({ name: "AbortError", cause: { code: "LEASE_LOST", why: "superseded" } });
          expect(lock.signal.aborted).toBe(true);
        }
        expect(names((await locks.query()).held)).toEqual([name]);
        for (const { letGo } of victims) letGo();
        thief.letGo();
        expect(await thief.released).toEqual({ value: "released" });
      }
    });

    it("steal can take a stolen lock again, and leaves waiting requests in the queue.", async () => {
      const [locks, name] = [make(), freshId()];
      const first = await hold(locks, name);
      const waiting = locks.request(name, () => "waited");
      await untilPending(name, 1);
      const second = await hold(locks, name, { steal: true });
      const third = await hold(locks, name, { steal: true });
      expect(await first.released).toMatchObject({ error: { name: "AbortError" } });
      expect(await second.released).toMatchObject({ error: { name: "AbortError" } });
      expect((await make().query(name)).pending).toHaveLength(1);
      third.letGo();
      expect(await waiting).toBe("waited");
    });

    it("steal excludes ifAvailable, shared and signal.", async () => {
      const locks = make();
      const { signal } = new AbortController();
      for (const other of [{ ifAvailable: true }, { mode: "shared" }, { signal }] as WebLockOptions[]) {
        const { error } = await outcome(locks.request(freshId(), { steal: true, ...other }, () => {}));
        expect(error).toMatchObject({ name: "NotSupportedError" });
      }
      const { error } = await outcome(locks.request(freshId(), { ifAvailable: true, signal }, () => {}));
      expect(error).toMatchObject({ name: "NotSupportedError" });
    });
  });

  describe.concurrent(`Web Locks over ${transport}: query`, () => {
    it("query lists what is held and what waits, with name, mode and client.", async () => {
      const [locks, name] = [make(), freshId()];
      const reader = await hold(locks, name, { mode: "shared" });
      const writer = locks.request(name, () => locks.query());
      await untilPending(name, 1);
      const { held, pending } = await locks.query();
      const clientId = held[0]?.clientId;
      expect(clientId).toEqual(expect.any(String));
      expect(held).toEqual([{ name, mode: "shared", clientId }]);
      expect(pending).toEqual([{ name, mode: "exclusive", clientId }]);
      reader.letGo();
      expect(await writer).toEqual({ held: [{ name, mode: "exclusive", clientId }], pending: [] });
      expect(await locks.query()).toEqual({ held: [], pending: [] });
    });

    it("query tells the clients apart.", async () => {
      const [one, other, name] = [make(), make(), freshId()];
      const first = await hold(one, name, { mode: "shared" });
      const second = await hold(other, name, { mode: "shared" });
      const ids = (await one.query(name)).held.map(({ clientId }) => clientId);
      expect(new Set(ids).size).toBe(2);
      expect((await one.query()).held.map(({ clientId }) => clientId)).toEqual([ids[0]]);
      first.letGo();
      second.letGo();
    });

    it("query lists the requests in the order they were made, for one name and for several.", async () => {
      const [locks, one, other] = [make(), freshId(), freshId()];
      const held = [await hold(locks, one), await hold(locks, other)];
      const waiting: Promise<unknown>[] = [];
      for (const mode of ["shared", "exclusive", "shared"] as const)
        for (const name of [one, other]) waiting.push(locks.request(name, { mode }, () => {}));
      const { pending } = await locks.query();
      expect(names(pending)).toEqual([one, other, one, other, one, other]);
      expect(pending.filter(({ name }) => name === one).map(({ mode }) => mode)).toEqual([
        "shared",
        "exclusive",
        "shared",
      ]);
      await untilPending(one, 3);
      for (const { letGo } of held) letGo();
      await Promise.all(waiting);
    });

    it("query shows a deadlock as crossed held and pending locks.", async () => {
      const [locks, one, other, controller] = [make(), freshId(), freshId(), new AbortController()];
      const { signal } = controller;
      const [first, second] = [await hold(locks, one), await hold(locks, other)];
      const crossed = [other, one].map((name) => outcome(locks.request(name, { signal }, () => {})));
      const { held, pending } = await locks.query();
      expect(names(held)).toEqual([one, other]);
      expect(names(pending)).toEqual([other, one]);
      controller.abort("enough");
      expect(await Promise.all(crossed)).toEqual([{ error: "enough" }, { error: "enough" }]);
      first.letGo();
      second.letGo();
    });
  });
}
