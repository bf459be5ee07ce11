import { describe, expect, it } from "vitest";
import { LockError } from "../../../src/index.ts";
import { answer } from "../../../src/object/bad-argument.ts";
import { failureOf, freshId, stubOf } from "../../support/locks.ts";

describe("G9 replies of the object", () => {
  it("The object answers a call with its result.", async () => {
    expect(await answer(() => 7)).toBe(7);
    expect(await answer(async () => undefined)).toBeUndefined();
  });

  it("The object answers a bad argument with a refusal that names it.", async () => {
    const refuse = (details: { argument?: string }) => () => {
      throw new LockError("INVALID_ARGUMENT", "too long", details);
    };
    const refusal = { success: false, reason: "INVALID_ARGUMENT", argument: "ttl", message: "too long" };
    expect(await answer(refuse({ argument: "ttl" }))).toEqual(refusal);
    expect(await answer(refuse({}))).toEqual({ ...refusal, argument: "" });
  });

  it("The object throws the error of a call that fails.", async () => {
    const broken = new TypeError("broken");
    expect(await failureOf(answer(() => Promise.reject(broken)))).toBe(broken);
  });

  it("The object answers true to a cancellation and a release request, even if they have no effect.", async () => {
    const stub = stubOf(freshId());
    expect(await stub.cancel("nobody's")).toBe(true);
    expect(await stub.requestRelease()).toBe(true);
  });
});
