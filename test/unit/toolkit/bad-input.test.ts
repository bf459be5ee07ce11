import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import {
  type Lock,
  isLockError,
  lead,
  observe,
  once,
  useBarrier,
  useDurableLock,
  useLatch,
  useReadWriteLock,
  useSemaphore,
  webLocks,
} from "../../../src/index.ts";
import { faultyNamespace } from "../../support/faulty-namespace.ts";
import { freshId, outcome } from "../../support/locks.ts";

const unchecked = <T>(value: unknown) => value as T;

/** The call is refused before any request is sent, with an error that names the argument. */
async function expectRefused(argument: string, call: (lock: Lock) => Promise<unknown>): Promise<void> {
  const { namespace, calls } = faultyNamespace((_method, run) => run());
  const { error } = await outcome(call(useDurableLock(namespace, freshId())));
  expect(isLockError(error, "INVALID_ARGUMENT")).toBe(true);
  expect(error).toMatchObject({ argument });
  expect((error as Error).message).toContain(argument);
  expect(calls).toEqual([]);
}

const BAD_DURATIONS = [Number.NaN, Infinity, -1, 0, 1.5, 86_400_001, "1000", null].map((value) => [value]);

describe("Bad arguments of the client", () => {
  it.each([
    ["no character", ""],
    ["513 bytes", "x".repeat(513)],
    ["a lone surrogate", "\ud800"],
    ["a number", 7],
    ["undefined", undefined],
    ["null", null],
  ])("G9 An id of %s is refused with INVALID_ARGUMENT before a request is sent.", (_what, id) => {
    const { namespace } = faultyNamespace((_method, run) => run());
    const use = () => useDurableLock(namespace, unchecked(id));
    expect(use).toThrow(/^id must be/);
    expect(use).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "id" }));
  });

  it("G9 An id of 512 bytes is accepted.", async () => {
    const { namespace } = faultyNamespace((_method, run) => run());
    expect(await useDurableLock(namespace, "x".repeat(512)).isLocked()).toBe(false);
  });

  it.each(BAD_DURATIONS)(
    "G9 A duration of %s is refused with INVALID_ARGUMENT before a request is sent.",
    async (value) => {
      const ttl = unchecked<number>(value);
      await expectRefused("ttl", (lock) => lock.acquire(ttl));
      await expectRefused("ttl", (lock) => lock.acquire(ttl, 1));
      await expectRefused("ttl", (lock) => lock.renew(1, ttl));
      await expectRefused("ttl", (lock) => lock.hold({ ttl }));
      await expectRefused("ttl", (lock) => lock.resume(1, { ttl }));
      await expectRefused("ttl", (lock) => lock.withLock(() => {}, { ttl }));
      await expectRefused("ttl", (lock) => lock.tryWithLock(() => {}, { ttl }));
      if (value !== Infinity) await expectRefused("maxHold", (lock) => lock.hold({ maxHold: ttl }));
      if (value !== 0) await expectRefused("minHold", (lock) => lock.hold({ minHold: ttl }));
    },
  );

  it.each([Number.NaN, -Infinity, -1, 0.5, 86_400_001, "1", null].map((wait) => [wait]))(
    "G9 A wait of %s is refused with INVALID_ARGUMENT before a request is sent.",
    async (wait) => {
      await expectRefused("wait", (lock) => lock.acquire(1_000, { wait: unchecked(wait) }));
      await expectRefused("wait", (lock) => lock.withLock(() => {}, { wait: unchecked(wait) }));
    },
  );

  it.each([Number.NaN, 0, -1, 1.5, 2 ** 53, "1", true].map((lease) => [lease]))(
    "G9 A lease number of %s is refused with INVALID_ARGUMENT before a request is sent.",
    async (lease) => {
      await expectRefused("lease", (lock) => lock.acquire(1_000, unchecked<number>(lease)));
      await expectRefused("lease", (lock) => lock.renew(unchecked(lease), 1_000));
      await expectRefused("lease", (lock) => lock.release(unchecked(lease)));
      await expectRefused("lease", (lock) => lock.resume(unchecked(lease)));
    },
  );

  it.each([
    ["owner", { owner: "" }],
    ["owner", { owner: 1 }],
    ["requestId", { requestId: "x".repeat(513) }],
    ["permits", { permits: 3, capacity: 2 }],
    ["capacity", { permits: 3 }],
    ["signal", { signal: {} }],
    ["retry", { retry: null }],
    ["retry", { retry: true }],
    ["retry.retries", { retry: { retries: -1 } }],
    ["retry.minTimeout", { retry: { minTimeout: 0 } }],
    ["retry.maxTimeout", { retry: { maxTimeout: Number.NaN } }],
    ["retry.factor", { retry: { factor: 0.5 } }],
    ["reties", { retry: { reties: 1 } }],
    ["minHold", { minHold: 2_000, maxHold: 1_000 }],
    ["waitt", { waitt: 1 }],
    ["waited", { waited: 1 }],
    ["options", "fast"],
  ])("G9 A bad %s is refused with INVALID_ARGUMENT before a request is sent: %j.", async (argument, options) => {
    await expectRefused(argument, (lock) => lock.hold(unchecked(options)));
  });

  it("G9 An option that is undefined counts as absent.", async () => {
    const options = { wait: undefined, ttl: undefined, owner: undefined, signal: undefined, retry: undefined };
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    await useDurableLock(namespace, freshId()).withLock(() => {}, unchecked(options));
    expect(calls[0]).toMatchObject({ method: "acquireOrQueue", args: [30_000, { wait: 10_000 }] });
  });

  it("G9 tryWithLock refuses a wait, because it does not wait.", async () => {
    await expectRefused("wait", (lock) => lock.tryWithLock(() => {}, unchecked({ wait: 1 })));
  });

  it("G9 An fn that is no function is refused by its name.", async () => {
    await expectRefused("fn", (lock) => lock.withLock(unchecked<() => void>(undefined)));
    await expectRefused("fn", (lock) => lock.tryWithLock(unchecked<() => void>("fn")));
  });
});

describe("Values that can't be a lock", () => {
  const missing = unchecked<{ NOPE: never }>(env).NOPE;
  const other = unchecked<never>(env.DB);

  it.each([
    ["useDurableLock", (given: never) => useDurableLock(given, "id")],
    ["useSemaphore", (given: never) => useSemaphore(given, "id", { permits: 1 })],
    ["useReadWriteLock", (given: never) => useReadWriteLock(given, "id")],
    ["webLocks", (given: never) => webLocks(given)],
    ["useLatch", (given: never) => useLatch(given, "id", { count: 1 })],
    ["useBarrier", (given: never) => useBarrier(given, "id", { parties: 1 })],
  ])("G9 %s names a binding that is missing or of something else.", (_name, use) => {
    for (const given of [missing, other])
      expect(() => use(given)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "namespace" }));
  });

  it.each([
    ["once", (given: never) => once(given, () => {})],
    ["lead", (given: never) => lead(given, () => {})],
    ["observe", async (given: never) => observe(given)],
  ])("G9 %s names an argument that is no lock.", async (_name, call) => {
    for (const given of [undefined, "id", {}])
      expect(await outcome<unknown>(call(unchecked(given)))).toMatchObject({
        error: { code: "INVALID_ARGUMENT", argument: "lock" },
      });
  });

  it("G9 The error for an object of another class says to look at the binding.", async () => {
    const lock = useDurableLock(unchecked(env.DURABLE_RENDEZVOUS), freshId());
    const { error } = await outcome(lock.isLocked());
    expect(error).toMatchObject({ code: "VERSION_MISMATCH", message: expect.stringContaining("another class") });
  });
});
