import { describe, expect, it } from "vitest";
import { checkClaim, checkFlag } from "../../src/core/limits.ts";
import { checkRequest } from "../../src/core/request.ts";

describe("what a request takes", () => {
  it("is one permit if only the capacity is given, and everything if neither is", () => {
    expect(checkClaim(undefined, 5)).toEqual({ exclusive: false, permits: 1, capacity: 5 });
    expect(checkClaim(undefined, undefined)).toMatchObject({ exclusive: true });
  });
});

describe("a job that runs once", () => {
  it("G9 takes everything: beside others it could not be once", () => {
    const shared = { once: "", permits: 1, capacity: 2 };
    expect(() => checkRequest(1_000, shared, () => "id")).toThrow("once");
  });
});

describe("a flag", () => {
  it.each(["yes", 1, null])("G9 is true or false, and not %s", (value) => {
    expect(() => checkFlag(value, "steal")).toThrow("steal must be true or false");
  });
});
