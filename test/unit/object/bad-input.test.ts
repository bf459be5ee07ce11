import { describe, expect, it } from "vitest";
import { type DurableLock, type RequestOptions } from "../../../src/index.ts";
import { freshId, stubOf } from "../../support/locks.ts";

type Stub = DurableObjectStub<DurableLock>;

const BAD_DURATIONS = [
  Number.NaN,
  Infinity,
  -Infinity,
  -1,
  0,
  -0,
  0.5,
  1.5,
  86_400_001,
  2 ** 53,
  "1000",
  null,
  undefined,
  {},
  true,
  10n,
];
const BAD_LEASES = [Number.NaN, Infinity, -1, 0, 1.5, 2 ** 53, "1", {}, [], true];
const BAD_TEXTS: [string, unknown][] = [
  ["no character", ""],
  ["513 bytes", "x".repeat(513)],
  ["514 bytes in 257 characters", "é".repeat(257)],
  ["a lone surrogate", "\ud800"],
  ["a number", 1],
  ["null", null],
  ["an object", {}],
  ["an array", []],
];

const unchecked = <T>(value: unknown) => value as T;

/** Expects a refusal as the reply that names the argument, and an unchanged lock. */
async function expectRefused(argument: string, call: (stub: Stub) => Promise<unknown>): Promise<void> {
  const stub = stubOf(freshId());
  const reply = await call(stub);
  expect(reply).toMatchObject({ success: false, reason: "INVALID_ARGUMENT", argument });
  expect((reply as { message: string }).message).toContain(argument);
  expect(await stub.status()).toEqual({ locked: false, holders: [], waiters: [] });
}

// Concurrent, because most of a test waits for time to pass, and each test has its own locks.
describe.concurrent("G9 bad input over RPC", () => {
  it.each(BAD_DURATIONS.map((ttl) => [ttl]))(
    "A ttl of %s is refused with the name of the argument, and changes nothing.",
    async (ttl) => {
      await expectRefused("ttl", async (stub) => await stub.acquire(unchecked(ttl)));
      await expectRefused("ttl", async (stub) => await stub.acquireOrQueue(unchecked(ttl), { wait: 10 }));
      await expectRefused("ttl", async (stub) => await stub.renew(1, unchecked(ttl)));
    },
  );

  it.each([Number.NaN, -Infinity, -1, 0.5, 86_400_001, "10", null, {}].map((wait) => [wait]))(
    "A wait of %s is refused with the name of the argument, and changes nothing.",
    async (wait) => {
      await expectRefused("wait", async (stub) => await stub.acquire(1_000, unchecked<RequestOptions>({ wait })));
      await expectRefused("wait", async (stub) => await stub.acquireOrQueue(1_000, unchecked({ wait })));
    },
  );

  it.each(BAD_LEASES.map((lease) => [lease]))(
    "A lease of %s is refused with the name of the argument, and changes nothing.",
    async (lease) => {
      await expectRefused("lease", async (stub) => await stub.release(unchecked(lease)));
      await expectRefused("lease", async (stub) => await stub.renew(unchecked(lease), 1_000));
      if (typeof lease !== "object")
        await expectRefused("lease", async (stub) => await stub.acquire(1_000, unchecked(lease)));
    },
  );

  it.each(BAD_TEXTS)(
    "An owner or request id of %s is refused with the name of the argument, and changes nothing.",
    async (_what, text) => {
      await expectRefused("owner", async (stub) => await stub.acquire(1_000, unchecked({ owner: text })));
      await expectRefused("requestId", async (stub) => await stub.acquire(1_000, unchecked({ requestId: text })));
      await expectRefused("requestId", async (stub) => await stub.release(1, unchecked({ requestId: text })));
      await expectRefused("requestId", async (stub) => await stub.renew(1, 1_000, unchecked({ requestId: text })));
      await expectRefused("requestId", async (stub) => await stub.cancel(unchecked(text)));
    },
  );

  it.each([
    [{ permits: 2, capacity: 1 }, "permits"],
    [{ permits: 0, capacity: 1 }, "permits"],
    [{ permits: -1, capacity: 1 }, "permits"],
    [{ permits: 1.5, capacity: 2 }, "permits"],
    [{ permits: Infinity, capacity: Infinity }, "permits"],
    [{ permits: Number.NaN, capacity: 2 }, "permits"],
    [{ permits: "1", capacity: 2 }, "permits"],
    [{ permits: null, capacity: 2 }, "permits"],
    [{ permits: 1, capacity: null }, "capacity"],
    [{ permits: 1 }, "capacity"],
    [{ permits: 1, capacity: 0 }, "capacity"],
    [{ permits: 1, capacity: -1 }, "capacity"],
    [{ permits: 1, capacity: 1.5 }, "capacity"],
    [{ permits: 1, capacity: Number.NaN }, "capacity"],
    [{ capacity: "2" }, "capacity"],
    [{ waited: -1 }, "waited"],
    [{ waited: Infinity }, "waited"],
    [{ waitt: 1 }, "waitt"],
    [{ constructor: 1 }, "constructor"],
    [[], "options"],
  ])("The options %j are refused with the name of the argument, and change nothing.", async (options, argument) => {
    await expectRefused(argument, async (stub) => await stub.acquire(1_000, unchecked(options)));
  });

  it.each<[string, unknown]>([
    ["caller", "ci"],
    ["caller.tokenName", { tokenName: "x".repeat(65), isAdmin: false }],
    ["caller.isAdmin", { tokenName: "ci", isAdmin: 1 }],
    ["token", { tokenName: "ci", token: "secret" }],
  ])(
    "A caller with a bad %s is refused in every call that has a caller, and changes nothing: %j.",
    async (argument, caller) => {
      const options = unchecked<{ caller: never }>({ caller });
      await expectRefused(argument, async (stub) => await stub.acquire(1_000, options));
      await expectRefused(argument, async (stub) => await stub.acquireOrQueue(1_000, options));
      await expectRefused(argument, async (stub) => await stub.renew(1, 1_000, options));
      await expectRefused(argument, async (stub) => await stub.convert(1, options));
      await expectRefused(argument, async (stub) => await stub.release(1, options));
      await expectRefused(argument, async (stub) => await stub.cancel("r", options));
      await expectRefused(argument, async (stub) => await stub.forceRelease(options));
      await expectRefused(argument, async (stub) => await stub.requestRelease(options));
    },
  );

  it("An unknown option of a cancellation is refused with its name, and changes nothing.", async () => {
    await expectRefused("priority", async (stub) => await stub.cancel("r", unchecked({ priority: 3 })));
  });

  it("A bad request does not disturb the holders and the waiters.", async () => {
    const stub = stubOf(freshId());
    await stub.acquire(10_000, { owner: "holder" });
    const before = await stub.status();
    await stub.acquire(Number.NaN, { wait: 1_000 });
    await stub.release(0);
    await stub.renew(Number.NaN, 1_000);
    expect(await stub.status()).toEqual(before);
  });
});
