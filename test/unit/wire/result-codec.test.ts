import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { cloneSize } from "../../../src/core/results/clone-size.ts";
import { refusalOfResult } from "../../../src/core/results/result-refusal.ts";
import { MOST_BYTES_WITH_RESULT } from "../../../src/wire/body-bounds.ts";
import { fromWireResult, toWireResult } from "../../../src/wire/result-codec.ts";
import { anyResult, same } from "../../support/results.ts";

/** The body as the other side of the wire reads it. */
const received = (sent: object): object => JSON.parse(JSON.stringify(sent)) as object;
const read = (encoded: unknown) => fromWireResult(received({ encoded }));

describe("Results on the wire", () => {
  it("A result is read as it was written, whatever it is.", () => {
    fc.assert(
      fc.property(anyResult, (made) => {
        const value: unknown = structuredClone(made);
        const sent = toWireResult(value);
        expect(sent).not.toHaveProperty("reason");
        const back = fromWireResult(received(sent)) as { value: unknown };
        expect(same(back.value, value)).toBe(true);
      }),
      { numRuns: 600 },
    );
  });

  it.each([[{ a: [1, "b", null, true, ["é"]] }], [""], [0], [null], [[]], [undefined]])(
    "A result that plain JSON carries is sent as plain JSON: %j.",
    (value) => {
      expect(toWireResult(value)).toEqual({ value });
    },
  );

  it("A result that plain JSON does not carry is sent as a table in the body itself, and not as text.", () => {
    expect(toWireResult(new Date(0))).toEqual({ encoded: [["Date", "1970-01-01T00:00:00.000Z"]] });
    expect(toWireResult({ a: -0, b: undefined })).toEqual({ encoded: [{ a: -6, b: -1 }] });
    expect(toWireResult(Number.NaN)).toEqual({ encoded: -3 });
    const shared = {};
    expect(toWireResult([shared, shared])).toEqual({ encoded: [[1, 1], {}] });
  });

  it("A result that has the same object inside it many times takes no exponential time.", () => {
    let value: unknown = 1;
    for (let level = 0; level < 500; level += 1) value = [value, value];
    expect(fromWireResult(received(toWireResult(value)))).toHaveProperty("value");
  });

  it.each<[string, (inner: unknown) => unknown]>([
    ["errors", (cause) => new Error("", { cause })],
    ["arrays with fields", (inner) => Object.assign([inner], { field: 1 })],
    ["fields of arrays", (inner) => Object.assign([], { inner })],
    ["objects with a field __proto__", (inner) => JSON.parse(`{"__proto__":${JSON.stringify(inner)}}`) as unknown],
  ])("A result of 250 nested %s, each written as four levels, is kept, and one more level is refused.", (_, wrap) => {
    let value: unknown = null;
    for (let level = 0; level < 250; level += 1) value = wrap(value);
    expect(fromWireResult(received(toWireResult(structuredClone(value))))).toHaveProperty("value");
    expect(refusalOfResult(structuredClone(wrap(value)))).toMatchObject({ reason: "RESULT_NOT_CLONEABLE" });
  });

  it("An array with fields takes little more bytes than one of as many elements without fields.", () => {
    const [plain, withField] = [
      Array.from({ length: 200_000 }, () => true),
      Array.from({ length: 200_000 }, () => true),
    ];
    Object.assign(withField, { field: 1, self: withField });
    const sent = toWireResult(withField);
    expect(JSON.stringify(sent).length).toBeLessThan(2 * JSON.stringify(toWireResult([...plain, 0n])).length);
    expect(same((fromWireResult(received(sent)) as { value: unknown }).value, withField)).toBe(true);
  });

  it("An array with holes and fields is read back, wherever it is inside itself.", () => {
    const value: unknown[] = [];
    value[5] = { inside: value };
    value.length = 9;
    Object.assign(value, { self: value, elements: [value] });
    const back = fromWireResult(received(toWireResult(value))) as { value: unknown };
    expect(same(back.value, value)).toBe(true);
  });

  it("A result within its size limit takes no more bytes than a body may have.", () => {
    // A tenth of the limit, filled with values that take as much space as in a whole result.
    const LARGE = LIMITS.maxResultBytes / 10;
    const fill = (make: (at: number) => unknown) => {
      const list: unknown[] = [];
      while (cloneSize(list, LARGE) <= LARGE) for (let n = 0; n < 1_000; n += 1) list.push(make(5_000 + list.length));
      list.length -= 1_000;
      return JSON.stringify(toWireResult(list)).length;
    };
    const control = (at: number) => String.fromCharCode(at & 31, (at >> 5) & 31, (at >> 10) & 31, (at >> 15) & 31);
    const makes: ((at: number) => unknown)[] = [
      () => true,
      (at) => at,
      (at) => -1_000_000_000 + at,
      (at) => at + 1 / 3,
      (at) => 1e300 + at * 1e290,
      control,
      () => ({}),
      () => [],
      () => new Map(),
      () => new Date(8.64e15),
      (at) => BigInt(at),
      () => Object(true),
      () => new RegExp("a", "v"),
      () => new ArrayBuffer(0),
      () => new Uint8ClampedArray(0),
      () => Object.assign([], { a: 1 }),
      () => JSON.parse('{"__proto__":1}') as unknown,
      () => Object.defineProperties(new Error(""), { stack: { value: "" } }),
      (at) => (at < 100_000 ? at : true),
    ];
    for (const make of makes) expect(fill(make), String(make)).toBeLessThan(MOST_BYTES_WITH_RESULT / 10);
  });
});

describe("G9 tables of other callers", () => {
  const chain = (length: number) => Array.from({ length }, (_, at) => (at + 1 < length ? [at + 1] : 0));
  const long = Array.from({ length: 100_000 }, (_, at) => [`f${at}`, 0]).flat();
  it.each<[string, unknown]>([
    ["is empty", []],
    ["is a text", "[[1],2]"],
    ["is an object", {}],
    ["is null", null],
    ["is a number that stands for nothing", 7],
    ["is a hole", -2],
    ["has four billion holes", [[-7, 4_294_967_295, 0, 1], 2]],
    ["has two million holes and one", [[-7, 2_000_001, 0, 1], 2]],
    ["has holes of an invalid length", [[-7, -1], 2]],
    ["has an index beyond the length", [[-7, 2, 2, 1], 2]],
    ["refers beyond its end", [[1]]],
    ["refers to a fraction", [[0.5]]],
    ["refers to a text", [{ a: "1" }]],
    ["refers to a list", [[[1]], 1]],
    ["is nested too deeply", chain(1_005)],
    ["is nested so deeply that the stack would overflow", chain(1_000_000)],
    [
      "has a chain that looks flat, as each of its links is in the first",
      [
        chain(20_000)
          .slice(1)
          .map((_, at) => at + 1),
        ...chain(20_000).slice(1),
      ],
    ],
    ["is nested more deeply than a result", chain(1_002)],
    ["has an unknown type", [["Proxy", 1], 1]],
    ["has a type of the prototype", [["constructor", 1], 1]],
    ["has a URL", [["URL", "https://example.com"]]],
    ["has an object without a prototype", [["null", "a", 1], 1]],
    ["has an object with a field __proto__", JSON.parse('[{"__proto__":1},{"admin":true}]')],
    ["has a date of a list", [["Date", [1]]]],
    ["has an invalid pattern", [["RegExp", "("]]],
    ["has a pattern with invalid flags", [["RegExp", "a", "zz"]]],
    ["has an invalid buffer", [["ArrayBuffer", "%%%"]]],
    ["has a view of a number, which would be so long", [["Uint8Array", 1], 1_000_000_000]],
    [
      "has a view beyond its buffer",
      [
        ["Uint8Array", 1, 0, 9],
        ["ArrayBuffer", "AAAA"],
      ],
    ],
    ["has an invalid integer", [["BigInt", 1], "0xg"]],
    ["has an integer in decimals, which take quadratic time", [["BigInt", 1], "9".repeat(100)]],
    [
      "names a large integer many times",
      [
        Array.from({ length: 1_000 }, (_, at) => at + 2),
        `0x${"f".repeat(1_000_000)}`,
        ...Array.from({ length: 1_000 }, () => ["BigInt", 1]),
      ],
    ],
    [
      "has an integer that is lists of lists, whose text would be a billion times as long",
      [["BigInt", 1], ...Array.from({ length: 40 }, (_, at) => (at < 39 ? [at + 2, at + 2] : "1"))],
    ],
    ["has a box of an object", [["Object", 1], {}]],
    ["has a box of itself", [["Object", 0]]],
    ["has invalid fields", [["Fields", 1], { a: 1 }]],
    ["has fields of an unknown kind", [["Fields", 1], [2, 3, 3], "Function", []]],
    ["has fields of a kind of the prototype", [["Fields", 1], [2, 3, 3], "constructor", []]],
    ["has a field with an invalid name", [["Fields", 1], [2, 3, 4], "Object", [], [5, 5], 1]],
    ["has fields of itself", [["Fields", 0]]],
    ["has an array with a length of its own", [["Fields", 1], [2, 3, 4], "Array", [], [5, 6], "length", 4_294_967_295]],
    ["has an array whose elements are not an array", [["Fields", 1], [2, 3, 4], "Array", [5], [], { length: 4 }]],
    [
      "names the same fields for many objects",
      [[1, 2, 3], ["Fields", 4], ["Fields", 4], ["Fields", 4], [5, 6, 6], "Object", []],
    ],
    [
      "names the same long list of fields for many objects",
      [
        Array.from({ length: 1_000 }, (_, at) => 2 * at + 4),
        "Object",
        [],
        long.map((item) => (item === 0 ? 1 : 2_003)),
        ...Array.from({ length: 1_000 }, (_, at) => [
          ["Fields", 2 * at + 5],
          [1, 2, 3],
        ]).flat(),
      ],
    ],
    [
      "has many arrays of two million holes, each with a field",
      [
        Array.from({ length: 10_000 }, (_, at) => 2 * at + 6),
        "Array",
        [-7, 1_999_999],
        [2],
        "a",
        [4, 1],
        ...Array.from({ length: 10_000 }, (_, at) => [
          ["Fields", 2 * at + 7],
          [1, 3, 5],
        ]).flat(),
      ],
    ],
    [
      "has many arrays with an element among their fields, far behind the first",
      [
        Array.from({ length: 100_000 }, (_, at) => 2 * at + 6),
        "Array",
        [],
        "1000",
        0,
        [3, 4],
        ...Array.from({ length: 100_000 }, (_, at) => [
          ["Fields", 2 * at + 7],
          [1, 2, 5],
        ]).flat(),
      ],
    ],
    ["names one large text many times", [Array.from({ length: 1_000 }, () => 1), "x".repeat(100_000)]],
  ])("A table that %s is refused at once.", (_name, encoded) => {
    expect(read(encoded)).toHaveProperty("reason");
  });

  it.each<[string, object]>([
    ["a value and a table", { value: 1, encoded: [1] }],
    ["a value that JSON does not carry", { value: -0 }],
    ["a value with a prototype", { value: JSON.parse('{"__proto__":1}') as unknown }],
  ])("A body with %s is refused.", (_name, sent) => {
    expect(fromWireResult(sent)).toMatchObject({ reason: "RESULT_NOT_CLONEABLE" });
  });

  it("A table never makes the reader throw or take long, whatever it has.", () => {
    const reference = fc.oneof(fc.integer({ min: -8, max: 12 }), fc.anything());
    const name = fc.constantFrom(
      "Set",
      "Map",
      "Object",
      "BigInt",
      "Fields",
      "Date",
      "RegExp",
      "ArrayBuffer",
      "Uint8Array",
    );
    const entry = fc.oneof(
      fc.array(reference),
      fc.tuple(name, fc.array(reference)).map(([type, rest]) => [type, ...rest]),
      fc.dictionary(fc.string(), reference),
      fc.constantFrom("Object", "Array", "AggregateError", "DOMException", "length", "stack", "0x1"),
      fc.constant([-7, 3, 1, 1]),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), (encoded) => {
        let sent: object;
        try {
          sent = received({ encoded });
        } catch {
          return;
        }
        const result = fromWireResult(sent);
        if ("reason" in result) return;
        // A result that was accepted can be written again, and is then the same.
        const back = fromWireResult(received(toWireResult(result.value)));
        expect(same((back as { value: unknown }).value, result.value)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
