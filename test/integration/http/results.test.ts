// A job's result is the same over RPC and over HTTP, whichever of them stored it and whichever reads it.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Lock, type OnceOptions, once } from "../../../src/client.ts";
import { connectOver } from "../../support/http.ts";
import { failureOf, freshId, lockOf, outcome } from "../../support/locks.ts";
import { anyResult, same } from "../../support/results.ts";

const http = connectOver().lock;
const WAYS = { RPC: (id: string): Lock => lockOf(id), HTTP: (id: string): Lock => http(id) };
type Way = keyof typeof WAYS;
const ALL = Object.keys(WAYS) as Way[];

interface Seen {
  code?: string;
  value?: unknown;
  thrown?: unknown;
}

/** What later callers get over each transport from a job that was stored over one; or how its result was refused. */
async function replays(stored: Way, job: () => unknown, options: OnceOptions = {}): Promise<[string, Seen][]> {
  const id = freshId();
  const first = await outcome(once(WAYS[stored](id), job, options));
  expect(await lockOf(id).isLocked()).toBe(false);
  const { code } = (first.error ?? {}) as { code?: unknown };
  if (typeof code === "string" && code.startsWith("RESULT_")) return [[stored, { code }]];
  const seen: [string, Seen][] = [];
  for (const read of ALL) {
    const again = await outcome(once<unknown>(WAYS[read](id), () => "ran again", options));
    seen.push([`${stored}, ${read}`, "error" in again ? { thrown: again.error } : { value: again.value }]);
  }
  return seen;
}

/** Expects the same outcome for each pair of transports, and returns it. */
async function sameOverBoth(job: () => unknown, options?: OnceOptions): Promise<Seen> {
  const seen: [string, Seen][] = [];
  for (const stored of ALL) seen.push(...(await replays(stored, job, options)));
  const [[, first]] = seen as [[string, Seen]];
  for (const [at, other] of seen)
    if (!same(other, first)) expect.fail(`${at}: ${fc.stringify(other)}, RPC: ${fc.stringify(first)}`);
  return first;
}

class Point {
  x = 1;
  readonly #hidden = 2;
  get sum() {
    return this.x + this.#hidden;
  }
}
class PaymentError extends Error {
  override name = "PaymentError";
  status = 402;
}

function nested(depth: number): unknown {
  let value: unknown = "bottom";
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? { value } : [value];
  return value;
}

function cyclic(make: (inner: unknown[]) => object): object {
  const inner: unknown[] = [];
  const outer = make(inner);
  inner.push(outer, inner);
  return outer;
}

const shared = { a: 1 };
const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer;
const proto = JSON.parse('{"a":1,"__proto__":{"admin":true},"b":[{"__proto__":7}]}') as object;
const withFields = (values: unknown[], fields: object) => Object.assign(values, fields);
const sparse = (length: number, at: number) => {
  const array: unknown[] = [];
  array[at] = "x";
  array.length = length;
  return array;
};

const STORED: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  "minus zero": () => [-0, { a: -0 }],
  "minus zero alone": () => -0,
  NaN: () => Number.NaN,
  infinities: () => [Infinity, -Infinity],
  "lone surrogates": () => ["\ud800", { "\udfff": "a\ud83d" }],
  "what HTML and JSON escape": () => new Map([['<script>\u2028"\\\u0000', "\u{1f600}"]]),
  "big integers": () => [0n, -1n, 2n ** 70n, -(2n ** 64n), 1n, 1n],
  "a large big integer": () => 2n ** 100_000n - 1n,
  dates: () => [new Date(0), new Date(-8.64e15), new Date(8.64e15), new Date(1.5)],
  "an invalid date": () => new Date(Number.NaN),
  patterns: () => [/a+\/"\n<b>/giu, new RegExp(""), new RegExp("[\\]\\/]", "v")],
  maps: () =>
    new Map<unknown, unknown>([
      [{ a: 1 }, new Set([Number.NaN, undefined])],
      [undefined, new Map()],
    ]),
  sets: () => new Set([undefined, null, "a", -1, new Set()]),
  "typed arrays": () => [
    new Int8Array([-1]),
    new Uint8Array([255]),
    new Uint8ClampedArray([256]),
    new Int16Array([-2]),
    new Uint16Array([7]),
    new Int32Array([-3]),
    new Uint32Array([4]),
    new Float32Array([0.5]),
    new Float64Array([1.5, Number.NaN, -0]),
    new BigInt64Array([-1n]),
    new BigUint64Array([2n ** 63n]),
  ],
  "views on one buffer": () => [
    buffer,
    new Uint8Array(buffer, 2, 3),
    new DataView(buffer, 1, 4),
    new Uint16Array(buffer),
  ],
  "empty buffers": () => [new ArrayBuffer(0), new Uint8Array(0), new DataView(new ArrayBuffer(3), 3)],
  holes: () => [1, , 3, , ,], // eslint-disable-line no-sparse-arrays
  "only holes": () => [Object.assign([], { length: 3 }), sparse(1_000_000, 999_998)],
  "an array with fields": () => withFields([1, 2], { index: 7, "": "empty", "01": "no index" }),
  "an array with holes and fields": () => withFields(sparse(9, 4), { index: 7 }),
  "an array of as many elements as fields and holes": () => withFields(sparse(2, 0), { a: 1 }),
  "a field of undefined": () => ({ a: undefined }),
  "a cycle of objects": () => cyclic((inner) => ({ inner })),
  "a cycle of a map": () => cyclic((inner) => new Map<unknown, unknown>([[inner, inner]])),
  "a cycle of a set": () => cyclic((inner) => new Set([inner])),
  "a cycle of an array with fields": () => cyclic((inner) => withFields([inner], { inner })),
  "a cycle with a field __proto__": () =>
    cyclic((inner) => Object.defineProperty({}, "__proto__", { value: inner, enumerable: true })),
  "shared references": () => [shared, shared, new Map([[shared, [shared]]])],
  "equal numbers and texts, which are not shared": () => [1, 1, "a", "a", [1], [1]],
  "own __proto__ keys": () => proto,
  "fields of all names": () =>
    Object.fromEntries(
      ["constructor", "toString", "hasOwnProperty", "", "then", "toJSON", "length"].map((name, at) => [name, at]),
    ),
  "a null prototype": () => Object.assign(Object.create(null) as object, { a: 1 }),
  "class instances": () => new Point(),
  "boxed primitives": () => [Object(1), Object(-0), Object("a"), Object(true), Object(1n), Object(Number.NaN)],
  "an instance of a class with a tag": () => ({ [Symbol.toStringTag]: "Mine", a: 1 }),
  "an error": () => new Error("plain"),
  "errors of each kind": () => [
    new EvalError("e"),
    new RangeError("r"),
    new ReferenceError("f"),
    new SyntaxError("s"),
    new TypeError("t"),
    new URIError("u"),
  ],
  "an error with causes": () => new Error("outer", { cause: new TypeError("inner", { cause: 7n }) }),
  "an error with fields": () => Object.assign(new RangeError("r"), { status: 404, at: new Date(0), none: undefined }),
  "an error of a class": () => new PaymentError("declined"),
  "an error without a message": () => new Error(""),
  "one error twice": () => ((error: Error) => [error, error])(new Error("one")),
  "an error inside its fields": () => Object.assign(new Error("many"), { list: new Set([new Error("one"), 2n]) }),
  AggregateError: () => new AggregateError([new RangeError("one"), 2, undefined], "many"),
  DOMException: () => [new DOMException("stop", "AbortError"), new DOMException("gone")],
  "as deeply nested as allowed": () => nested(1_000),
  "as deeply nested as allowed, and not JSON": () => [nested(998), 1n],
};

const REFUSED: Record<string, [make: () => unknown, code: string]> = {
  "a function": [() => () => {}, "RESULT_NOT_CLONEABLE"],
  "a function inside": [() => [{ call() {} }], "RESULT_NOT_CLONEABLE"],
  "a symbol": [() => Symbol("s"), "RESULT_NOT_CLONEABLE"],
  "a promise inside": [() => ({ a: Promise.resolve() }), "RESULT_NOT_CLONEABLE"],
  URL: [() => new URL("https://example.com"), "RESULT_NOT_CLONEABLE"],
  URLSearchParams: [() => new URLSearchParams("a=1"), "RESULT_NOT_CLONEABLE"],
  Blob: [() => [new Blob(["text"])], "RESULT_NOT_CLONEABLE"],
  Headers: [() => new Headers({ a: "b" }), "RESULT_NOT_CLONEABLE"],
  Request: [() => new Request("https://example.com"), "RESULT_NOT_CLONEABLE"],
  Response: [() => new Response("text"), "RESULT_NOT_CLONEABLE"],
  WeakMap: [() => new WeakMap(), "RESULT_NOT_CLONEABLE"],
  SharedArrayBuffer: [() => new Uint8Array(new SharedArrayBuffer(4)), "RESULT_NOT_CLONEABLE"],
  "a resizable buffer": [() => new ArrayBuffer(4, { maxByteLength: 8 }), "RESULT_NOT_CLONEABLE"],
  "one level deeper than allowed": [() => nested(1_001), "RESULT_NOT_CLONEABLE"],
  "one level deeper than allowed, and not JSON": [() => [nested(1_000), 1n], "RESULT_NOT_CLONEABLE"],
  "far too deep": [() => nested(100_000), "RESULT_NOT_CLONEABLE"],
  "a getter that throws": [
    () => ({
      get a(): never {
        throw new Error("boo");
      },
    }),
    "RESULT_NOT_CLONEABLE",
  ],
  "four billion holes": [() => sparse(4_294_967_295, 0), "RESULT_TOO_LARGE"],
  "two million holes": [() => sparse(2_000_001, 0), "RESULT_TOO_LARGE"],
};

describe.concurrent("Results over RPC and HTTP", { timeout: 120_000 }, () => {
  it.each(Object.entries(STORED))(
    "A result is the same over RPC and HTTP, stored and read either way: %s.",
    async (_name, make) => {
      const seen = await sameOverBoth(make);
      expect(seen).toHaveProperty("value");
      expect(seen.value).not.toBe("ran again");
      // The clone of a class instance or an error depends on the platform; everything else is unchanged.
      const expected = structuredClone(make());
      if (!/error|exception/i.test(_name)) expect(same(seen.value, expected)).toBe(true);
    },
  );
});

describe("Random results over RPC and HTTP", () => {
  it("Every result that fast-check generates is the same over RPC and HTTP, stored and read either way.", async () => {
    await fc.assert(
      fc.asyncProperty(anyResult, async (value) => void (await sameOverBoth(() => value))),
      { numRuns: 25 },
    );
  }, 120_000);
});

describe.concurrent("Refused results over RPC and HTTP", { timeout: 120_000 }, () => {
  it.each(Object.entries(REFUSED))(
    "A refused result gets the same error code over RPC and HTTP: %s.",
    async (_name, [make, code]) => {
      expect(await sameOverBoth(make)).toEqual({ code });
    },
  );
});

describe.concurrent("Recorded failures over RPC and HTTP", { timeout: 120_000 }, () => {
  const THROWN: Record<string, () => unknown> = {
    undefined: () => undefined,
    null: () => null,
    "a text": () => "text",
    "a lone surrogate": () => "\ud800",
    "a big integer": () => 10n,
    "an object": () => ({ code: 7, at: new Date(0) }),
    "an object like a record": () => ({ message: "mine", name: "Mine" }),
    "an object that is thrown in turn": () => ({ thrown: 1 }),
    "a symbol": () => Symbol("s"),
    "a function": () => () => {},
    "a Blob": () => new Blob(["text"]),
    "an error with a big integer": () => Object.assign(new Error("m"), { amount: 10n, kept: "yes" }),
    "an error with a cycle": () => Object.assign(new Error("m"), { cycle: cyclic((inner) => ({ inner })) }),
    "an error with a lone surrogate": () => Object.assign(new Error("\udc00"), { text: "\ud800" }),
    "an error with a field that can't be cloned": () => Object.assign(new Error("m"), { call: () => {}, kept: 1 }),
    "an error with a field that no transport carries": () =>
      Object.assign(new Error("m"), { file: new Blob([]), kept: 1 }),
    "an error with a field that is nested too deeply": () =>
      Object.assign(new Error("m"), { deep: nested(1_000), kept: 1 }),
    "an error with a field __proto__": () =>
      Object.defineProperty(new Error("m"), "__proto__", { value: { admin: true }, enumerable: true }),
    "an error with causes": () => new TypeError("t", { cause: new PaymentError("p", { cause: undefined }) }),
    "an error that is its own cause": () => ((error) => Object.assign(error, { cause: error }))(new Error("m")),
    AggregateError: () => new AggregateError([new PaymentError("one"), 2n, new AggregateError([], "inner")], "many"),
    "an AggregateError inside itself": () => {
      const error = new AggregateError([], "many");
      error.errors = [error, error, error];
      return error;
    },
    DOMException: () => new DOMException("stop", "AbortError"),
  };
  it.each(Object.entries(THROWN))(
    "A recorded failure is thrown the same over RPC and HTTP: %s.",
    async (_name, make) => {
      const thrown = make();
      const seen = await sameOverBoth(() => Promise.reject(thrown), { recordErrors: true });
      expect(seen).toHaveProperty("thrown");
      if (!(thrown instanceof Error)) return;
      expect(seen.thrown).toBeInstanceOf(Error);
      const { name, message, stack } = thrown;
      expect(seen.thrown).toMatchObject({ name, message, stack, ...("kept" in thrown && { kept: thrown.kept }) });
    },
  );

  it("A recorded AggregateError keeps its fields, and its errors keep theirs, over RPC and HTTP.", async () => {
    const many = Object.assign(new AggregateError([new PaymentError("one"), 2n], "many"), { amount: 10n });
    const { thrown } = await sameOverBoth(() => Promise.reject(many), { recordErrors: true });
    expect(thrown).toBeInstanceOf(AggregateError);
    expect(thrown).toMatchObject({ amount: 10n, errors: [{ name: "PaymentError", status: 402 }, 2n] });
  });
});

// Not concurrent, because each result is large.
describe("Result size over HTTP", { timeout: 120_000 }, () => {
  const bytes = (length: number) => new Uint8Array(length).fill(7);
  const text = (length: number) => "x".repeat(length);
  it.each([
    ["text of 1.9 MB", () => text(1_900_000)],
    ["bytes of 1.9 MB", () => bytes(1_900_000)],
    ["a text of control characters, which JSON writes with six bytes each", () => "\u0000".repeat(1_900_000)],
    ["a map of texts of control characters", () => new Map([[1, "\u0001".repeat(1_900_000)]])],
    ["big integers of 1.9 MB", () => 2n ** 15_200_000n],
  ])("A result is not too large over HTTP if it is %s.", async (_name, make) => {
    const { value } = await sameOverBoth(make);
    expect(same(value, make())).toBe(true);
  });

  it.each(
    [2_100_000, 4_600_000, 12_000_000].flatMap(
      (size) =>
        [
          [size, "value", text],
          [size, "encoded", bytes],
        ] as const,
    ),
  )("A result of %i bytes, sent as %s, is RESULT_TOO_LARGE, and the lock is free.", async (size, _field, make) => {
    expect(await sameOverBoth(() => make(size))).toEqual({ code: "RESULT_TOO_LARGE" });
  });

  it("A result that is too large is not sent to the service.", async () => {
    const sent: string[] = [];
    const { lock } = connectOver(async (request, serve) => (sent.push(await request.clone().text()), serve(request)));
    expect(await failureOf(once(lock(freshId()), () => text(4_600_000)))).toMatchObject({ code: "RESULT_TOO_LARGE" });
    expect(Math.max(...sent.map(({ length }) => length))).toBeLessThan(1_000);
  });

  it("A result that a proxy does not let through is RESULT_TOO_LARGE, and the lock is free.", async () => {
    const page = () => new Response("<html>413 Request Entity Too Large</html>", { status: 413 });
    const { lock } = connectOver(async (request, serve) =>
      (await request.clone().text()).length > 1_000_000 ? page() : serve(request),
    );
    const id = freshId();
    expect(await failureOf(once(lock(id), () => text(1_500_000)))).toMatchObject({ code: "RESULT_TOO_LARGE" });
    expect(await lock(id).isLocked()).toBe(false);
  });
});
