import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { once } from "../../../src/index.ts";
import { failing, faultyNamespace } from "../../support/faulty-namespace.ts";
import { crash, freshId, lockOf, outcome, stubOf, untilWaiting } from "../../support/locks.ts";
import { RERUN, askedNow, codeOf, kept, openJob, rerun } from "../../support/once.ts";

afterEach(() => {
  vi.restoreAllMocks();
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

describe("Results that can be stored", () => {
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
    it(`once gives all callers the same result, also after a restart: ${name}.`, async () => {
      const id = freshId();
      expect(await once(lockOf(id), () => value)).toBe(value);
      const { value: replayed, ran } = await askedNow(id);
      expect(ran).toBe(false);
      expect(replayed).toStrictEqual(value);
      expect(Object.is(replayed, value)).toBe(Object(value) !== value);
      await crash(id);
      expect((await askedNow(id)).value).toStrictEqual(value);
    });

  it("once gives later callers a class instance as a plain object.", async () => {
    const id = freshId();
    expect(await once(lockOf(id), () => new Point())).toBeInstanceOf(Point);
    expect((await askedNow(id)).value).toStrictEqual({ x: 1 });
  });

  it("An error that the job returns comes back as an error with its cause.", async () => {
    const id = freshId();
    const error = new PaymentError("declined", { cause: new TypeError("inner") });
    await once(lockOf(id), () => ({ error, plain: new RangeError("r") }));
    const { error: replayed, plain } = (await askedNow<{ error: Error; plain: Error }>(id)).value;
    expect(replayed).toBeInstanceOf(Error);
    expect(replayed).toMatchObject({ name: "PaymentError", message: "declined", status: 402 });
    expect(replayed.cause).toMatchObject({ name: "TypeError", message: "inner" });
    expect(plain).toBeInstanceOf(RangeError);
  });

  it("A result just below 2 MB is stored, and the waiters get it.", async () => {
    const id = freshId();
    const bytes = new Uint8Array(1_999_900).fill(7);
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
    "larger than 2 MB": [new Uint8Array(2_000_001), "RESULT_TOO_LARGE"],
    "larger than 32 MiB, which RPC itself refuses": [new Uint8Array(33 << 20), "RESULT_TOO_LARGE"],
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
    "nested too deeply": [nested(100_000), "RESULT_NOT_CLONEABLE"],
  };
  for (const [name, [value, code]] of Object.entries(unstorable))
    it(`A result that is ${name} fails with ${code}: nothing is stored, and the job can run again at once.`, async () => {
      const id = freshId();
      const { error } = await outcome(once(lockOf(id), () => value));
      expect(error).toMatchObject({ code, message: expect.stringContaining("The job will run again") });
      expect(await kept(id)).toBe(undefined);
      expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
      expect(await askedNow(id)).toEqual({ value: RERUN, ran: false });
    });

  it("If a result can't be stored, a waiter runs the job at once.", async () => {
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

  it("A stored result that can no longer be read does not take the lock down: the job runs again.", async () => {
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

// Concurrent: one of them waits for time to pass.
describe.concurrent("Results that can't be stored", () => {
  it("once reports why a result can't be stored, even if the lease can't be released either.", async () => {
    const { namespace } = faultyNamespace(failing("release", false));
    expect(await codeOf(once(lockOf(freshId(), namespace), () => () => {}))).toBe("RESULT_NOT_CLONEABLE");
  });

  it("At any depth of nesting, a result is either stored or fails with RESULT_NOT_CLONEABLE.", async () => {
    const array = (depth: number) => {
      let value: unknown[] = [];
      for (let level = 0; level < depth; level += 1) value = [value];
      return value;
    };
    const codes = new Set<string | undefined>();
    for (let depth = 990; depth < 1_010; depth += 2) {
      const id = freshId();
      const code = await codeOf(once(lockOf(id), () => array(depth)));
      codes.add(code);
      expect((await askedNow(id)).ran).toBe(code !== undefined);
    }
    expect(codes).toEqual(new Set([undefined, "RESULT_NOT_CLONEABLE"]));
  });
});

describe("Failed runs of a job", () => {
  it("A failed run is not recorded: the next waiter runs the job at once.", async () => {
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

  it("With recordErrors, later callers get an Error with the name, message, own fields and causes of the failure.", async () => {
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

  it("With recordErrors, once records any value that the job throws.", async () => {
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

  it("A failure that is too large to record is not recorded: the next call runs the job again.", async () => {
    const id = freshId();
    const error = Object.assign(new Error("large"), { bytes: new Uint8Array(3_000_000) });
    const first = await outcome(once(lockOf(id), () => Promise.reject(error), { recordErrors: true }));
    expect(first.error).toBe(error);
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });
});

it("A result of 2 MB reaches all of forty waiters, and none of them runs the job.", async () => {
  const id = freshId();
  let runs = 0;
  const gate = Promise.withResolvers<string>();
  const asking = Array.from({ length: 41 }, () =>
    once(lockOf(id), () => ((runs += 1), gate.promise), { wait: 60_000 }),
  );
  await untilWaiting(id, 40);
  gate.resolve("x".repeat(1_900_000));
  const lengths = (await Promise.all(asking)).map(({ length }) => length);
  expect([runs, new Set(lengths), lengths.length]).toEqual([1, new Set([1_900_000]), 41]);
});
