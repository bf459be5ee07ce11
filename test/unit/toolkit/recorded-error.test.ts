import { describe, expect, it } from "vitest";
import { errorOf, recordOf } from "../../../src/toolkit/recorded-error.ts";

/** As it comes back: what is stored is a clone. */
const backOf = (thrown: unknown) => errorOf(structuredClone(recordOf(thrown)));

class PaymentError extends Error {
  override readonly name = "PaymentError";
  readonly amount = 3;
  readonly retry = () => {};
}

describe("Recorded failure", () => {
  it("A recorded failure comes back as an Error with its name, message, stack and own fields.", () => {
    const thrown = new PaymentError("declined");
    const back = backOf(thrown) as PaymentError;
    expect(back).toBeInstanceOf(Error);
    expect([back.name, back.message, back.stack, back.amount]).toEqual(["PaymentError", "declined", thrown.stack, 3]);
    expect(back).not.toHaveProperty("retry");
    expect(back).not.toHaveProperty("cause");
    // As with any error, its name, message and stack are not enumerable and can be changed.
    expect(Object.keys(back)).toEqual(["amount"]);
    Object.assign(back, { name: "Other", stack: "" });
    expect([back.name, back.stack]).toEqual(["Other", ""]);
    expect(Reflect.deleteProperty(back, "stack")).toBe(true);
  });

  it("A recorded failure comes back with its causes, whatever they are.", () => {
    const back = backOf(new Error("outer", { cause: new TypeError("inner", { cause: 7 }) })) as Error;
    expect(back.cause).toBeInstanceOf(Error);
    expect(back.cause).toMatchObject({ name: "TypeError", message: "inner", cause: 7 });
    expect(Object.keys(back)).toEqual([]);
    const undone = backOf(new Error("outer", { cause: undefined })) as Error;
    expect(Object.hasOwn(undone, "cause")).toBe(true);
    expect(undone.cause).toBeUndefined();
  });

  it("A recorded failure that is its own cause keeps eight causes.", () => {
    const thrown = new Error("endless");
    thrown.cause = thrown;
    let depth = 0;
    for (let back = backOf(thrown) as Error; back.cause; back = back.cause as Error) depth += 1;
    expect(depth).toBe(8);
  });

  it("A recorded AggregateError keeps its errors.", () => {
    const back = backOf(new AggregateError([new Error("one"), 2], "many")) as AggregateError;
    expect(back.errors).toHaveLength(2);
    expect(back.errors[0]).toMatchObject({ message: "one" });
    expect(backOf(new Error("one"))).not.toHaveProperty("errors");
  });

  it.each([["text"], [7], [null], [undefined], [{ code: 3 }], [[1, 2]]])(
    "A recorded failure that is no Error, such as %j, comes back unchanged.",
    (thrown) => {
      expect(backOf(thrown)).toEqual(thrown);
    },
  );

  it("A recorded failure that can't be cloned comes back as its text.", () => {
    const work = () => {};
    expect(backOf(work)).toBe(String(work));
    expect(backOf({ toString: () => "mine", work })).toBe("mine");
    expect(backOf(Object.assign(Object.create(null), { work }))).toBe("");
  });

  it("A recorded failure whose own code throws when it is read keeps what can be read.", () => {
    class Hostile extends Error {
      override get message(): string {
        throw new Error("no");
      }
    }
    const thrown = Object.defineProperty(new Hostile(), "cause", {
      get: () => {
        throw new Error("no");
      },
    });
    const back = backOf(thrown) as Error;
    expect([back.name, back.message]).toEqual(["Error", ""]);
    expect(back.cause).toBeUndefined();
  });

  it("A recorded AggregateError keeps the types of its errors, also of nested ones.", () => {
    const inner = new AggregateError([new PaymentError("one"), 2n], "inner");
    const back = backOf(new AggregateError([inner], "many")) as AggregateError;
    expect(back).toBeInstanceOf(AggregateError);
    expect(back.errors[0]).toBeInstanceOf(AggregateError);
    expect(back.errors[0]).toMatchObject({ message: "inner", errors: [{ name: "PaymentError", amount: 3 }, 2n] });
    expect(Object.keys(back)).toEqual([]);
  });

  it("A recorded AggregateError that contains itself many times keeps a thousand errors.", () => {
    const endless = new AggregateError([], "endless");
    endless.errors = Array.from({ length: 100 }, () => endless);
    const count = (of: unknown): number =>
      1 + ((of as Partial<AggregateError>).errors ?? []).reduce((sum: number, next) => sum + count(next), 0);
    expect(count(backOf(endless))).toBe(1_001);
  });

  it("A recorded failure without a name or stack, as another language stores it, comes back as an Error.", () => {
    expect(errorOf({ message: "broken" })).toMatchObject({ name: "Error", message: "broken", stack: "Error: broken" });
  });

  it.each([[{}], [{ message: 7 }], [{ message: "m", name: 7 }], [[]]])(
    "A recorded failure such as %j, which is no record, comes back unchanged.",
    (record) => {
      expect(errorOf(record)).toBe(record);
    },
  );

  it("A recorded failure with a field __proto__ has that field, and no other prototype.", () => {
    const fields = JSON.parse('{"__proto__":{"admin":true}}') as object;
    const back = errorOf({ message: "m", fields }) as Error;
    expect(Object.getPrototypeOf(back)).toBe(Error.prototype);
    expect(Object.hasOwn(back, "__proto__")).toBe(true);
  });

  it("A record that contains itself, or one record many times, is made once of each.", () => {
    const record: Record<string, unknown> = { message: "one" };
    let many: object = record;
    for (let level = 0; level < 100; level += 1) many = { message: "many", errors: [many, many] };
    Object.assign(record, { cause: many });
    const back = errorOf(many) as AggregateError;
    expect(back.errors[0]).toBe(back.errors[1]);
  });

  it.each([["text"], [null], [7]])("A failure that another version recorded as %j comes back unchanged.", (record) => {
    expect(errorOf(record)).toBe(record);
  });
});
