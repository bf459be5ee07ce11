import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { connectLocks } from "../../../src/client.ts";
import {
  type LockNamespace,
  type PlacementOptions,
  bindLocks,
  isLockError,
  once,
  useDurableLock,
  useReadWriteLock,
  useSemaphore,
  withLocks,
} from "../../../src/index.ts";
import { createLockService } from "../../../src/service.ts";
import { TOKEN, connectOver } from "../../support/http.ts";
import { failureOf, freshId } from "../../support/locks.ts";
import { playScenario } from "../../support/scenario.ts";

/** A namespace that knows one jurisdiction, as the deployed platform does, and notes where objects are asked for. */
function scriptedNamespace(real: { getByName: (name: string) => object } = env.DURABLE_LOCK) {
  const asked: unknown[] = [];
  const namespaceOf = (jurisdiction: string | undefined): object => ({
    getByName: (name: string, options?: object) => {
      asked.push({ name, jurisdiction, ...options });
      return real.getByName(name);
    },
    idFromName: (name: string) => `${jurisdiction}/${name}`,
    jurisdiction: (given: string) => {
      if (given !== "eu") throw new TypeError("jurisdiction called with an unsupported jurisdiction");
      return namespaceOf(given);
    },
  });
  return { namespace: namespaceOf(undefined) as LockNamespace, asked };
}

const thrownBy = (call: () => unknown): unknown => {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
};

it.each(["a binding", "a URL"])("Code that takes Locks runs unchanged on the locks of %s.", async (source) => {
  const locks = source === "a binding" ? bindLocks(env.DURABLE_LOCK) : connectOver();
  expect(Object.keys(locks).toSorted()).toEqual(["lock", "readWriteLock", "semaphore", "webLocks"]);
  await playScenario({ locks, tools: { isLockError, once, withLocks } });
});

it("The short forms give the locks that bindLocks gives.", async () => {
  const { lock, semaphore, readWriteLock } = bindLocks(env.DURABLE_LOCK);
  const pairs = [
    [lock, useDurableLock],
    [(id: string) => readWriteLock(id).write, (...args: [LockNamespace, string]) => useReadWriteLock(...args).write],
    [
      (id: string) => semaphore(id, { permits: 1 }),
      (...args: [LockNamespace, string]) => useSemaphore(...args, { permits: 1 }),
    ],
  ] as const;
  for (const [long, short] of pairs) {
    const id = freshId();
    await using held = await long(id).hold();
    expect(held.lease).toBeGreaterThan(0);
    expect(await short(env.DURABLE_LOCK, id).tryWithLock(() => "ran")).toMatchObject({ acquired: false });
    expect(short(env.DURABLE_LOCK, id).primitives.key).toBe(long(id).primitives.key);
  }
});

it("Every call for a lock goes to the jurisdiction and carries the location hint that bindLocks was given.", async () => {
  const { namespace, asked } = scriptedNamespace();
  const { lock, webLocks } = bindLocks(namespace, { jurisdiction: "eu", locationHint: "weur" });
  const id = freshId();
  await lock(id).withLock(() => "ran");
  await webLocks().request(id, () => "ran");
  expect(new Set(asked.map((call) => JSON.stringify(call)))).toEqual(
    new Set([JSON.stringify({ name: id, jurisdiction: "eu", locationHint: "weur" })]),
  );
  expect(lock(id).primitives.key).toBe(`eu/${id}`);
});

it("Without options bindLocks asks for objects by their name alone.", async () => {
  const { namespace, asked } = scriptedNamespace();
  const id = freshId();
  await bindLocks(namespace).lock(id).isLocked();
  expect(asked).toEqual([{ name: id, jurisdiction: undefined }]);
});

it("The lock service keeps its locks and their index in the jurisdiction that it was given.", async () => {
  const { namespace, asked } = scriptedNamespace();
  const index = scriptedNamespace(env.LOCK_INDEX);
  const options = {
    lock: namespace,
    index: index.namespace as unknown as typeof env.LOCK_INDEX,
    tokens: TOKEN,
    jurisdiction: "eu",
    locationHint: "weur",
  } as const;
  const service = createLockService(options);
  const { lock } = connectLocks({
    url: "https://locks.example",
    token: TOKEN,
    fetch: async (url, init) => service.fetch(new Request(url, init)),
  });
  const id = freshId();
  expect(await lock(id).acquire(1_000)).toMatchObject({ success: true });
  expect(asked).toEqual([{ name: id, jurisdiction: "eu", locationHint: "weur" }]);
  expect(index.asked).toMatchObject([{ jurisdiction: "eu", locationHint: "weur" }]);
});

it("A local workerd has no jurisdictions, so there the option has no effect.", async () => {
  const id = freshId();
  await using held = await bindLocks(env.DURABLE_LOCK, { jurisdiction: "eu" }).lock(id).hold();
  expect(held.isLost()).toBe(false);
  expect(await bindLocks(env.DURABLE_LOCK).lock(id).isLocked()).toBe(true);
});

it.each<[string, unknown, unknown, string]>([
  ["a namespace that is missing", undefined, undefined, "namespace"],
  ["an unknown option", scriptedNamespace().namespace, { location: "weur" }, "location"],
  [
    "a jurisdiction that the platform does not know",
    scriptedNamespace().namespace,
    { jurisdiction: "mars" },
    "jurisdiction",
  ],
  ["a location hint that is no text", scriptedNamespace().namespace, { locationHint: 7 }, "locationHint"],
])("G9 bindLocks refuses %s, and names the argument.", (_what, namespace, options, argument) => {
  const error = thrownBy(() => bindLocks(namespace as LockNamespace, options as PlacementOptions));
  expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument });
});

it("G11 A refused jurisdiction carries the platform's error as its cause.", () => {
  const error = thrownBy(() => bindLocks(scriptedNamespace().namespace, { jurisdiction: "mars" as "eu" }));
  expect((error as Error).cause).toBeInstanceOf(TypeError);
});

it("releaseOnExit over HTTP is refused with INVALID_ARGUMENT, which says why, before a request is sent.", async () => {
  const send = vi.fn(() => Promise.reject(new Error("sent")));
  const { lock } = connectLocks({ url: "https://locks.example", token: TOKEN, fetch: send });
  const error = await failureOf(lock("a").hold({ releaseOnExit: true }));
  expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "releaseOnExit" });
  expect(String(error)).toMatch(/HTTP/);
  expect(send).not.toHaveBeenCalled();
});
