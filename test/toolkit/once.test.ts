import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Lock, isLockError, once, useReadWriteLock, useSemaphore } from "../../src/index.ts";
import { env } from "cloudflare:workers";
import { type Fault, connectionLost, faultyNamespace, losingReplies, silent } from "../support/faulty-namespace.ts";
import { crash, freshId, holders, leaseOf, lockOf, outcome, stubOf, untilWaiting } from "../support/locks.ts";

const DAY = 86_400_000;
const RERUN = "ran again";
const rerun = () => RERUN;

/** What the object keeps of a job's result. */
const kept = (id: string) => runInDurableObject(stubOf(id), (_lock, { storage }) => storage.kv.get("result"));

/** What a caller gets who comes now, and whether that took a run. */
async function askedNow<T>(id: string, options = {}): Promise<{ value: T; ran: boolean }> {
  let ran = false;
  const value = await once(lockOf(id), () => ((ran = true), RERUN), { wait: 0, ...options });
  return { value: value as T, ran };
}

/** A job that runs until it is told how to end. */
function openJob<T = string>() {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const started = Promise.withResolvers<number>();
  const fn = ({ lease }: { lease: number }) => (started.resolve(lease), promise);
  return { fn, started: started.promise, resolve, reject };
}

/** A runner that can die: from then on it calls nobody and nobody answers it. */
function mortal() {
  let dead = false;
  const { namespace } = faultyNamespace((_method, run) => (dead ? new Promise(() => {}) : run()));
  return { lock: (id: string) => lockOf(id, namespace), die: () => void (dead = true) };
}

const codeOf = async (promise: Promise<unknown>) => ((await outcome(promise)).error as { code?: string })?.code;

afterEach(() => {
  vi.restoreAllMocks();
});

describe("once runs the job once", () => {
  it("the first caller runs it, and gets what it returned", async () => {
    const id = freshId();
    expect(await once(lockOf(id), async ({ lease }) => ({ lease }))).toEqual({ lease: expect.any(Number) });
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("50 callers at a time: one run, and all get its result", async () => {
    const id = freshId();
    let runs = 0;
    const work = async () => (await scheduler.wait(20), `run ${++runs}`);
    const all = await Promise.all(Array.from({ length: 50 }, () => once(lockOf(id), work)));
    expect(new Set(all)).toEqual(new Set(["run 1"]));
    expect(runs).toBe(1);
  });

  it("who comes later gets the result by one call, without a lease", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first");
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    expect(await once(lockOf(id, namespace), rerun, { wait: 0 })).toBe("first");
    expect(calls.map(({ method }) => method)).toEqual(["acquire"]);
    expect(await holders(id)).toBe(0);
  });

  it("who comes while it runs waits for its result", async () => {
    const id = freshId();
    const job = openJob();
    const first = once(lockOf(id), job.fn);
    await job.started;
    const second = once(lockOf(id), rerun);
    await untilWaiting(id, 1);
    job.resolve("done");
    expect(await Promise.all([first, second])).toEqual(["done", "done"]);
  });

  it("with a wait of 0 it is told at once that the job runs", async () => {
    const id = freshId();
    const job = openJob();
    const first = once(lockOf(id), job.fn);
    await job.started;
    const { error } = await outcome(once(lockOf(id), rerun, { wait: 0 }));
    expect(isLockError(error, "LOCK_TIMEOUT")).toBe(true);
    expect(error).toMatchObject({ message: expect.stringContaining("still runs") });
    job.resolve("done");
    await first;
  });

  it("a wait that ends before the job does is LOCK_TIMEOUT, and asking again gets the result", async () => {
    const id = freshId();
    const job = openJob();
    const first = once(lockOf(id), job.fn);
    await job.started;
    expect(await codeOf(once(lockOf(id), rerun, { wait: 30 }))).toBe("LOCK_TIMEOUT");
    job.resolve("done");
    await first;
    expect(await askedNow(id)).toEqual({ value: "done", ran: false });
  });

  it("an abort while waiting leaves the queue, and the job alone", async () => {
    const id = freshId();
    const job = openJob();
    const first = once(lockOf(id), job.fn);
    await job.started;
    const controller = new AbortController();
    const waiting = outcome(once(lockOf(id), rerun, { signal: controller.signal }));
    await untilWaiting(id, 1);
    controller.abort(new Error("mine"));
    expect((await waiting).error).toMatchObject({ message: "mine" });
    await untilWaiting(id, 0);
    job.resolve("done");
    expect(await first).toBe("done");
  });

  it("a waiter whose slice is over gets the result when it comes back", async () => {
    const id = freshId();
    const start = Date.now();
    const clock = vi.spyOn(Date, "now").mockReturnValue(start);
    const lease = await leaseOf(stubOf(id).acquire(DAY, { once: "" }));
    const request = { once: "", wait: 60_000, requestId: "waiter" };
    const slice = stubOf(id).acquire(1_000, request);
    await untilWaiting(id, 1);
    clock.mockReturnValue(start + 25_001);
    await stubOf(id).acquire(1_000, { once: "" });
    expect(await slice).toMatchObject({ success: false, reason: "BORROWED" });
    await stubOf(id).release(lease, { result: { value: "done", failed: false, retain: DAY } });
    expect(await stubOf(id).acquire(1_000, { ...request, waited: 25_001 })).toMatchObject({
      reason: "RECORDED",
      result: { value: "done", failed: false, lease },
    });
  });

  it("on a lock that can be shared it is exclusive all the same", async () => {
    const semaphore = useSemaphore(env.DURABLE_LOCK, freshId(), { permits: 5 });
    const { read } = useReadWriteLock(env.DURABLE_LOCK, freshId());
    for (const lock of [semaphore, read] as Lock[]) {
      const job = openJob();
      const first = once(lock, job.fn);
      await job.started;
      expect(await lock.status()).toMatchObject({ holders: [{ exclusive: true }] });
      const second = once(lock, rerun);
      await untilWaiting(lock.id, 1);
      job.resolve("done");
      expect(await Promise.all([first, second])).toEqual(["done", "done"]);
    }
    expect(await stubOf(freshId()).acquire(1_000, { once: "", permits: 1, capacity: 2 })).toMatchObject({
      reason: "INVALID_ARGUMENT",
      argument: "once",
    });
  });

  it("bad options are refused before anything is asked", async () => {
    const { namespace, calls } = faultyNamespace((_method, run) => run());
    const lock = lockOf(freshId(), namespace);
    const bad = [
      { retain: 0 },
      { retain: 367 * DAY },
      { retain: Number.NaN },
      { retain: null },
      { fingerprint: 1 },
      { fingerprint: null },
      { recordErrors: "yes" },
      { ttl: 0 },
      { wait: -1 },
      { minHold: 1 },
      { permits: 1 },
    ];
    for (const options of bad) {
      const { error } = await outcome(once(lock, rerun, options as never));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: Object.keys(options)[0] });
    }
    expect(await codeOf(once(lock, "no function" as never))).toBe("INVALID_ARGUMENT");
    expect(calls).toEqual([]);
  });

  it("is not served over plain requests, where a result could not be told", async () => {
    const response = await stubOf(freshId()).fetch("http://lock/acquire?ttl=1000&once=");
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ argument: "once" });
  });
});

class Point {
  x = 1;
  get double() {
    return 2 * this.x;
  }
}
class PaymentError extends Error {
  override name = "PaymentError";
  status = 402;
}
function nested(depth: number): unknown {
  let value: unknown = "bottom";
  for (let level = 0; level < depth; level += 1) value = { value };
  return value;
}
function cyclic(): unknown {
  const one: Record<string, unknown> = { name: "one" };
  one["self"] = one;
  one["map"] = new Map([[one, [one]]]);
  return one;
}

describe("the result may be anything structured-cloneable", () => {
  const values: Record<string, unknown> = {
    undefined: undefined,
    null: null,
    NaN: Number.NaN,
    "-0": -0,
    "the empty string": "",
    bigint: 2n ** 70n,
    Date: new Date(1_700_000_000_000),
    Map: new Map<unknown, unknown>([[{ a: 1 }, new Set([1])]]),
    Set: new Set([undefined, null, "a"]),
    RegExp: /a+/giu,
    "typed arrays": [new Uint8Array([1, 2, 3]), new Float64Array([1.5, Number.NaN]), new BigInt64Array([-1n])],
    ArrayBuffer: new Uint8Array([9, 8, 7]).buffer,
    "a field that is undefined": { a: undefined },
    "something nested deeply": nested(1_000),
    "something cyclic": cyclic(),
  };
  for (const [name, value] of Object.entries(values))
    it(`${name}: all get the same, also after a restart`, async () => {
      const id = freshId();
      expect(await once(lockOf(id), () => value)).toBe(value);
      const { value: replayed, ran } = await askedNow(id);
      expect(ran).toBe(false);
      expect(replayed).toStrictEqual(value);
      expect(Object.is(replayed, value)).toBe(Object(value) !== value);
      await crash(id);
      expect((await askedNow(id)).value).toStrictEqual(value);
    });

  it("a class instance comes back as a plain object", async () => {
    const id = freshId();
    expect(await once(lockOf(id), () => new Point())).toBeInstanceOf(Point);
    expect((await askedNow(id)).value).toStrictEqual({ x: 1 });
  });

  it("an error that is returned comes back as an error, with its cause", async () => {
    const id = freshId();
    const error = new PaymentError("declined", { cause: new TypeError("inner") });
    await once(lockOf(id), () => ({ error, plain: new RangeError("r") }));
    const { error: replayed, plain } = (await askedNow<{ error: Error; plain: Error }>(id)).value;
    expect(replayed).toBeInstanceOf(Error);
    expect(replayed).toMatchObject({ name: "PaymentError", message: "declined", status: 402 });
    expect(replayed.cause).toMatchObject({ name: "TypeError", message: "inner" });
    expect(plain).toBeInstanceOf(RangeError);
  });

  it("one of just below 2 MB is kept, and who waited for it gets it", async () => {
    const id = freshId();
    const bytes = new Uint8Array(1_999_000).fill(7);
    const job = openJob<Uint8Array>();
    const first = once(lockOf(id), job.fn);
    await job.started;
    const others = Promise.all(Array.from({ length: 5 }, () => once<unknown>(lockOf(id), rerun)));
    await untilWaiting(id, 5);
    job.resolve(bytes);
    await first;
    for (const other of await others) expect((other as Uint8Array).length).toBe(bytes.length);
    expect((await askedNow<Uint8Array>(id)).value.at(-1)).toBe(7);
  });

  const unstorable: Record<string, [unknown, string]> = {
    "one of more than 2 MB": [new Uint8Array(2_300_000), "RESULT_TOO_LARGE"],
    "one that RPC itself refuses, of more than 32 MiB": [new Uint8Array(33 << 20), "RESULT_TOO_LARGE"],
    "a function": [() => {}, "RESULT_NOT_CLONEABLE"],
    "a symbol": [Symbol("s"), "RESULT_NOT_CLONEABLE"],
    "a function in a field": [{ deep: [{ call: () => {} }] }, "RESULT_NOT_CLONEABLE"],
    "a stub": [stubOf(freshId()), "RESULT_NOT_CLONEABLE"],
    "a Response": [new Response("x"), "RESULT_NOT_CLONEABLE"],
    "a promise in a field": [{ a: Promise.resolve() }, "RESULT_NOT_CLONEABLE"],
    "shared memory, which can be cloned but not sent": [new SharedArrayBuffer(4), "RESULT_NOT_CLONEABLE"],
    "a getter that throws": [
      {
        get a() {
          throw new Error("boo");
        },
      },
      "RESULT_NOT_CLONEABLE",
    ],
    "one that is nested too deeply": [nested(100_000), "RESULT_NOT_CLONEABLE"],
  };
  for (const [name, [value, code]] of Object.entries(unstorable))
    it(`${name} is ${code}: nothing is kept, and the job can run again at once`, async () => {
      const id = freshId();
      const { error } = await outcome(once(lockOf(id), () => value));
      expect(error).toMatchObject({ code, message: expect.stringContaining("The job will run again") });
      expect(await kept(id)).toBe(undefined);
      expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
      expect(await askedNow(id)).toEqual({ value: RERUN, ran: false });
    });

  it("any depth of nesting is either kept or RESULT_NOT_CLONEABLE: the stack overflows in one place or another", async () => {
    const array = (depth: number) => {
      let value: unknown[] = [];
      for (let level = 0; level < depth; level += 1) value = [value];
      return value;
    };
    const codes = new Set<string | undefined>();
    for (let depth = 1_000; depth < 6_000; depth += 125) {
      const id = freshId();
      const code = await codeOf(once(lockOf(id), () => array(depth)));
      codes.add(code);
      expect((await askedNow(id)).ran).toBe(code !== undefined);
    }
    expect(codes).toEqual(new Set([undefined, "RESULT_NOT_CLONEABLE"]));
  });

  it("who waits while a result can't be stored runs the job at once", async () => {
    const id = freshId();
    const job = openJob<unknown>();
    const first = codeOf(once(lockOf(id), job.fn, { ttl: 60_000 }));
    await job.started;
    const second = once(lockOf(id), rerun, { wait: 60_000 });
    await untilWaiting(id, 1);
    job.resolve(() => {});
    expect(await first).toBe("RESULT_NOT_CLONEABLE");
    expect(await second).toBe(RERUN);
  });

  it("why it can't be stored is told, though the lease can't be given back either", { timeout: 15_000 }, async () => {
    const { namespace } = faultyNamespace(silent(["release"], false));
    expect(await codeOf(once(lockOf(freshId(), namespace), () => () => {}))).toBe("RESULT_NOT_CLONEABLE");
  });

  it("a result that can't be read any more does not take the lock down: the job runs again", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first");
    vi.spyOn(console, "error").mockImplementation(() => {});
    const restore = await runInDurableObject(stubOf(id), (_lock, { storage }) => {
      const spy = vi.spyOn(Object.getPrototypeOf(storage.kv) as SyncKvStorage, "get").mockImplementation(() => {
        throw new Error("Unable to deserialize cloned data.");
      });
      return () => spy.mockRestore();
    });
    await crash(id);
    expect(await lockOf(id).isLocked()).toBe(false);
    restore();
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });
});

describe("a fingerprint tells payloads apart", () => {
  it("another payload is refused at once while the job runs, and after it ran", async () => {
    const id = freshId();
    const job = openJob();
    const first = once(lockOf(id), job.fn, { fingerprint: "a" });
    await job.started;
    const other = () => outcome(once(lockOf(id), rerun, { fingerprint: "b", wait: 60_000 }));
    expect((await other()).error).toMatchObject({ code: "FINGERPRINT_MISMATCH" });
    job.resolve("done");
    await first;
    expect((await other()).error).toMatchObject({ code: "FINGERPRINT_MISMATCH" });
    await crash(id);
    expect((await other()).error).toMatchObject({ code: "FINGERPRINT_MISMATCH" });
    expect(await askedNow(id, { fingerprint: "a" })).toEqual({ value: "done", ran: false });
  });

  it("also by an object that was restarted while the job runs", async () => {
    const id = freshId();
    const job = openJob();
    const first = once(lockOf(id), job.fn, { fingerprint: "a" });
    await job.started;
    await crash(id);
    expect(await codeOf(once(lockOf(id), rerun, { fingerprint: "b" }))).toBe("FINGERPRINT_MISMATCH");
    job.resolve("done");
    expect(await first).toBe("done");
  });

  it("one who waits is refused as soon as the job runs for another payload", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const job = openJob();
    const first = once(lockOf(id), job.fn, { fingerprint: "a" });
    await untilWaiting(id, 1);
    const other = codeOf(once(lockOf(id), rerun, { fingerprint: "b", wait: 60_000 }));
    await untilWaiting(id, 2);
    await lockOf(id).release(lease);
    expect(await other).toBe("FINGERPRINT_MISMATCH");
    job.resolve("done");
    expect(await first).toBe("done");
  });

  it("a run that failed leaves nothing to differ from", async () => {
    const id = freshId();
    await outcome(once(lockOf(id), () => Promise.reject(new Error("x")), { fingerprint: "a" }));
    expect(await once(lockOf(id), rerun, { fingerprint: "b" })).toBe(RERUN);
  });

  it("without one nothing is compared", async () => {
    const id = freshId();
    await once(lockOf(id), () => "done", { fingerprint: "a" });
    expect(await askedNow(id)).toEqual({ value: "done", ran: false });
    const plain = freshId();
    await once(lockOf(plain), () => "done");
    expect(await askedNow(plain, { fingerprint: "b" })).toEqual({ value: "done", ran: false });
  });

  it("may be of any length, the empty one included, and is not stored itself", async () => {
    for (const fingerprint of ["", "x", "long ".repeat(400_000)]) {
      const id = freshId();
      await once(lockOf(id), () => "done", { fingerprint });
      expect(await askedNow(id, { fingerprint })).toEqual({ value: "done", ran: false });
      expect(await codeOf(once(lockOf(id), rerun, { fingerprint: `${fingerprint}.` }))).toBe("FINGERPRINT_MISMATCH");
      expect(await kept(id)).toMatchObject({ fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) });
    }
  });
});

describe("a run that failed", () => {
  it("is not recorded: the next who waits runs at once", async () => {
    const id = freshId();
    const job = openJob();
    const first = outcome(once(lockOf(id), job.fn, { ttl: 60_000 }));
    await job.started;
    const second = once(lockOf(id), rerun, { wait: 60_000 });
    await untilWaiting(id, 1);
    const mine = new Error("mine");
    job.reject(mine);
    expect((await first).error).toBe(mine);
    expect(await second).toBe(RERUN);
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: false });
  });

  it("is recorded if asked: later callers get an Error with name, message, own fields and causes", async () => {
    const id = freshId();
    const inner = Object.assign(new PaymentError("inner"), { status: 1 });
    const error = Object.assign(new PaymentError("declined", { cause: inner }), {
      list: [1, 2n],
      unsendable: () => {},
    });
    Object.defineProperty(error, "broken", {
      enumerable: true,
      get: () => {
        throw new Error("a getter");
      },
    });
    const first = await outcome(once(lockOf(id), () => Promise.reject(error), { recordErrors: true }));
    expect(first.error).toBe(error);
    const { error: replayed } = await outcome(once(lockOf(id), rerun));
    expect(replayed).toBeInstanceOf(Error);
    expect(replayed).toMatchObject({ name: "PaymentError", message: "declined", status: 402, list: [1, 2n] });
    expect(replayed).toMatchObject({ stack: error.stack });
    expect(Object.keys(replayed as Error).toSorted()).toEqual(["list", "status"]);
    const { cause } = replayed as Error;
    expect(cause).toBeInstanceOf(Error);
    expect(cause).toMatchObject({ name: "PaymentError", message: "inner", status: 1 });
  });

  it("is recorded whatever was thrown", async () => {
    const selfCaused: Error = new Error("mine");
    selfCaused.cause = selfCaused;
    const many = new AggregateError([new Error("one")], "many");
    const thrown: [unknown, unknown][] = [
      [undefined, undefined],
      ["text", "text"],
      [{ code: 7 }, { code: 7 }],
      [Symbol("s"), "Symbol(s)"],
      [Object.assign(Object.create(null), { call() {} }), ""],
      [new DOMException("stop", "AbortError"), { name: "AbortError", message: "stop" }],
      [selfCaused, { message: "mine", cause: { cause: { message: "mine" } } }],
      [many, { message: "many", errors: [{ message: "one" }] }],
    ];
    for (const [error, expected] of thrown) {
      const id = freshId();
      const job = () => Promise.reject(error);
      const first = await outcome(once(lockOf(id), job, { recordErrors: true }));
      expect(first.error).toBe(error);
      const again = await outcome(once(lockOf(id), rerun));
      expect(again.value).toBe(undefined);
      if (typeof expected === "object" && expected !== null) expect(again.error).toMatchObject(expected);
      else expect(again.error).toBe(expected);
    }
  });

  it("is tried again if it is too large to be recorded", async () => {
    const id = freshId();
    const error = Object.assign(new Error("large"), { bytes: new Uint8Array(3_000_000) });
    const first = await outcome(once(lockOf(id), () => Promise.reject(error), { recordErrors: true }));
    expect(first.error).toBe(error);
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });
});

describe("the result is remembered for `retain`", () => {
  let start: number;
  const setClock = (ms: number) => vi.spyOn(Date, "now").mockReturnValue(start + ms);
  beforeEach(() => {
    start = Date.now();
    setClock(0);
  });

  it("a day by default, and then the job runs again", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first");
    setClock(DAY - 1);
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
    setClock(DAY);
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: false });
  });

  it("also over crash and eviction", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first", { retain: 1_000 });
    await crash(id);
    setClock(999);
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
    await evictDurableObject(stubOf(id));
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
    setClock(1_000);
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });

  it("and no longer if the clock steps back, neither while the object lives nor over a restart", async () => {
    const id = freshId();
    setClock(10 * DAY);
    await once(lockOf(id), () => "first", { retain: 1_000 });
    setClock(0);
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
    setClock(1_000);
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
    const other = freshId();
    setClock(10 * DAY);
    await once(lockOf(other), () => "first", { retain: 1_000 });
    setClock(0);
    await crash(other);
    expect(await askedNow(other)).toEqual({ value: "first", ran: false });
    setClock(1_000);
    expect(await askedNow(other)).toEqual({ value: RERUN, ran: true });
  });

  it("a result whose time was over for somebody is not brought back by a clock that steps back over a restart", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first", { retain: 1_000 });
    setClock(1_000);
    await outcome(once(lockOf(id), () => Promise.reject(new Error("x"))));
    await crash(id);
    setClock(0);
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });

  it("clean-up removes one whose time is over though the lock is in use, and wipes the object when it is idle", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first", { retain: 1_000 });
    await evictDurableObject(stubOf(id));
    setClock(DAY);
    const lease = await leaseOf(lockOf(id).acquire(1_000));
    await runDurableObjectAlarm(stubOf(id));
    expect(await kept(id)).toBe(undefined);
    await lockOf(id).release(lease);
    setClock(3 * DAY);
    await runDurableObjectAlarm(stubOf(id));
    expect(await stored(id)).toEqual({ tables: [], alarm: null });
  });

  it("clean-up keeps one whose time is not over, comes back when it is, and wipes the object", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first", { retain: 7 * DAY });
    setClock(DAY + 1_000);
    await runDurableObjectAlarm(stubOf(id));
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
    expect((await stored(id)).alarm).toBe(start + 7 * DAY);
    await crash(id);
    setClock(7 * DAY);
    await runDurableObjectAlarm(stubOf(id));
    expect(await stored(id)).toEqual({ tables: [], alarm: null });
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });

  it("a result that was used once goes with the first alarm", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first", { retain: 1_000 });
    setClock(DAY);
    await runDurableObjectAlarm(stubOf(id));
    expect(await stored(id)).toEqual({ tables: [], alarm: null });
  });
});

/** All that the object has stored. */
async function stored(id: string): Promise<{ tables: unknown[]; alarm: number | null }> {
  return runInDurableObject(stubOf(id), async (_lock, { storage }) => ({
    tables: storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
    alarm: await storage.getAlarm(),
  }));
}

describe("G7 a runner that lost its lease", () => {
  it("to forceRelease stores nothing and is told; the next run is the one that counts", async () => {
    const id = freshId();
    const job = openJob();
    const first = outcome(once(lockOf(id), job.fn));
    await job.started;
    await lockOf(id).forceRelease();
    const second = await once(lockOf(id), () => "second");
    job.resolve("first");
    expect((await first).error).toMatchObject({ code: "LEASE_LOST" });
    expect(second).toBe("second");
    expect(await askedNow(id)).toEqual({ value: "second", ran: false });
  });

  it("to forceRelease while nobody came after it stores nothing either", async () => {
    const id = freshId();
    const job = openJob();
    const first = codeOf(once(lockOf(id), job.fn));
    await job.started;
    await lockOf(id).forceRelease();
    job.resolve("first");
    expect(await first).toBe("LEASE_LOST");
    expect(await kept(id)).toBe(undefined);
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });

  it("to time, unnoticed by itself, stores nothing", async () => {
    const id = freshId();
    const start = Date.now();
    const clock = vi.spyOn(Date, "now");
    const first = await codeOf(once(lockOf(id), () => (clock.mockReturnValue(start + DAY), "late"), { ttl: 30_000 }));
    expect(first).toBe("LEASE_LOST");
    expect(await kept(id)).toBe(undefined);
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });

  it("by its own hand stores nothing and is told", async () => {
    const id = freshId();
    const first = codeOf(once(lockOf(id), async ({ release }) => (await release(), "first")));
    expect(await first).toBe("LEASE_LOST");
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });

  it("and had its failure to record records nothing", async () => {
    const id = freshId();
    const job = openJob();
    const first = codeOf(once(lockOf(id), job.fn, { recordErrors: true }));
    await job.started;
    await lockOf(id).forceRelease();
    job.reject(new Error("mine"));
    await first;
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });
});

describe("a runner that dies", () => {
  it("while fn runs: who waits runs the job when its lease is over, one of them, and all get that result", async () => {
    const id = freshId();
    const { lock, die } = mortal();
    const job = openJob();
    void outcome(once(lock(id), job.fn, { ttl: 300 }));
    await job.started;
    die();
    let runs = 0;
    const work = () => `run ${++runs}`;
    const all = await Promise.all(Array.from({ length: 5 }, () => once(lockOf(id), work)));
    expect(new Set(all)).toEqual(new Set(["run 1"]));
    job.resolve("too late");
    expect(await askedNow(id)).toEqual({ value: "run 1", ran: false });
  });

  it("after fn, before it stored: the next runs", async () => {
    const id = freshId();
    const { lock, die } = mortal();
    void outcome(once(lock(id), () => (die(), "never stored"), { ttl: 300 }));
    expect(await once(lockOf(id), rerun)).toBe(RERUN);
  });

  it("after it stored, before it was told: its result counts", async () => {
    const id = freshId();
    const { promise: isStored, resolve } = Promise.withResolvers<void>();
    const { namespace } = faultyNamespace(async (method, run) => {
      const reply = await run();
      if (method !== "release") return reply;
      resolve();
      return new Promise(() => {});
    });
    void outcome(once(lockOf(id, namespace), () => "first"));
    await isStored;
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
  });
});

describe("an object that restarts", () => {
  it("while the job runs: it runs on, who waits waits on, and all get its result", async () => {
    const id = freshId();
    const job = openJob();
    const first = once(lockOf(id), job.fn);
    await job.started;
    const second = once(lockOf(id), rerun);
    await untilWaiting(id, 1);
    await crash(id);
    await untilWaiting(id, 1);
    job.resolve("done");
    expect(await Promise.all([first, second])).toEqual(["done", "done"]);
  });

  it("while the runner dies: who waits runs the job", async () => {
    const id = freshId();
    const { lock, die } = mortal();
    const job = openJob();
    void outcome(once(lock(id), job.fn, { ttl: 2_000 }));
    await job.started;
    const second = once(lockOf(id), rerun);
    await untilWaiting(id, 1);
    die();
    await crash(id);
    expect(await second).toBe(RERUN);
  });

  it("between store and reply: the same release again is told that it is done, and the result is kept once", async () => {
    const id = freshId();
    let crashed = false;
    const { namespace, calls } = faultyNamespace(async (method, run) => {
      const reply = await run();
      if (method !== "release" || crashed) return reply;
      crashed = true;
      await crash(id);
      throw Object.assign(new Error("reset"), { durableObjectReset: true });
    });
    expect(await once(lockOf(id, namespace), () => "first")).toBe("first");
    const releases = calls.filter(({ method }) => method === "release");
    expect(releases).toHaveLength(2);
    expect(new Set(releases.map(({ args }) => (args[1] as { requestId: string }).requestId)).size).toBe(1);
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
  });

  it("because the release could not be written keeps the result and ends the lease, or neither", async () => {
    const id = freshId();
    await runInDurableObject(stubOf(id), (_lock, { storage }) => {
      const exec = storage.sql.exec.bind(storage.sql);
      vi.spyOn(storage.sql, "exec").mockImplementation(((query: string, ...values: unknown[]) => {
        if (values.includes("released")) throw new Error("SQLITE_FULL");
        return exec(query, ...values);
      }) as typeof exec);
    });
    const job = openJob();
    let broken = true;
    let afterwards: unknown;
    const { namespace } = faultyNamespace(async (method, run) => {
      if (method !== "release" || !broken) return run();
      broken = false;
      await outcome(run());
      // Whatever it has not stored by now is lost.
      await crash(id);
      afterwards = { kept: await kept(id), holders: await holders(id) };
      throw connectionLost();
    });
    const first = once(lockOf(id, namespace), job.fn);
    await job.started;
    job.resolve("first");
    expect(await first).toBe("first");
    expect(afterwards).toEqual({ kept: undefined, holders: 1 });
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
  });
});

describe("G5 a lost reply", () => {
  it("to the acquire, in the queue or not, and to the storing release: one run, one result", async () => {
    for (const wait of [0, 10_000]) {
      const id = freshId();
      let runs = 0;
      const { namespace } = faultyNamespace(losingReplies(["acquire", "enqueue", "renew", "release"], 2));
      expect(await once(lockOf(id, namespace), () => `run ${++runs}`, { wait })).toBe("run 1");
      expect(await askedNow(id)).toEqual({ value: "run 1", ran: false });
    }
  });

  it("to an acquire that was answered with the result: the same again", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first");
    for (const wait of [0, 10_000]) {
      const { namespace } = faultyNamespace(losingReplies(["acquire", "enqueue"], 2));
      expect(await once(lockOf(id, namespace), rerun, { wait })).toBe("first");
    }
  });

  it(
    "to the storing release for good: RELEASE_FAILED, and asking again gets the result",
    { timeout: 15_000 },
    async () => {
      const id = freshId();
      const { namespace } = faultyNamespace(silent(["release"], true));
      expect(await codeOf(once(lockOf(id, namespace), () => "first"))).toBe("RELEASE_FAILED");
      expect(await askedNow(id)).toEqual({ value: "first", ran: false });
    },
  );

  it("a storing release that arrives after the lease was lost stores nothing", async () => {
    const id = freshId();
    const late: (() => Promise<unknown>)[] = [];
    const delaying: Fault = async (method, run) => {
      if (method !== "release") return run();
      late.push(run);
      return new Promise(() => {});
    };
    const { namespace } = faultyNamespace(delaying);
    void outcome(once(lockOf(id, namespace), () => "late", { ttl: 300 }));
    await vi.waitFor(() => expect(late).toHaveLength(1), { interval: 5 });
    expect(await once(lockOf(id), () => "second")).toBe("second");
    expect(await late[0]?.()).toMatchObject({ success: false, reason: "NO_LONGER_VALID" });
    expect(await askedNow(id)).toEqual({ value: "second", ran: false });
  });

  it("a storing release that arrives while the next run is under way stores nothing", async () => {
    const id = freshId();
    const late: (() => Promise<unknown>)[] = [];
    const { namespace } = faultyNamespace(async (method, run) => {
      if (method !== "release") return run();
      late.push(run);
      return new Promise(() => {});
    });
    void outcome(once(lockOf(id, namespace), () => "late", { ttl: 300 }));
    await vi.waitFor(() => expect(late).toHaveLength(1), { interval: 5 });
    const job = openJob();
    const second = once(lockOf(id), job.fn);
    await job.started;
    expect(await late[0]?.()).toMatchObject({ success: false, reason: "NO_LONGER_VALID" });
    expect(await kept(id)).toBe(undefined);
    job.resolve("second");
    expect(await second).toBe("second");
    expect(await askedNow(id)).toEqual({ value: "second", ran: false });
  });

  it("a storing release that arrives twice stores once, and its copy does not undo what came after", async () => {
    const id = freshId();
    const releases: (() => Promise<unknown>)[] = [];
    const { namespace } = faultyNamespace((method, run) => {
      if (method === "release") releases.push(run);
      return run();
    });
    await once(lockOf(id, namespace), () => "first", { retain: 1 });
    await vi.waitFor(async () => expect((await askedNow(id)).ran).toBe(true), { interval: 5 });
    await releases[0]?.();
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: false });
  });
});

describe("a plain lock on the same id", () => {
  it("is not affected by a result, and does not disturb it", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first");
    expect(await lockOf(id).withLock(() => "plain")).toBe("plain");
    expect(await lockOf(id).tryWithLock(() => "plain")).toEqual({ acquired: true, value: "plain" });
    await lockOf(id).forceRelease();
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
  });

  it("that is held does not keep anybody from the result, and a plain waiter keeps its turn", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first");
    const held = await lockOf(id).hold();
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
    await held.release();
    const other = freshId();
    const job = openJob();
    const first = once(lockOf(other), job.fn);
    await job.started;
    const plain = lockOf(other).withLock(() => "plain");
    await untilWaiting(other, 1);
    const second = once(lockOf(other), rerun);
    await untilWaiting(other, 2);
    job.resolve("done");
    expect(await Promise.all([first, second, plain])).toEqual(["done", "done", "plain"]);
  });

  it("that is held keeps the job waiting", async () => {
    const id = freshId();
    const held = await lockOf(id).hold();
    expect(await codeOf(once(lockOf(id), rerun, { wait: 0 }))).toBe("LOCK_TIMEOUT");
    await held.release();
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });
});
