import { describe, expect, it } from "vitest";
import { checkClaim } from "../../src/core/limits.ts";

describe("what a request takes", () => {
  it("is one permit if only the capacity is given, and everything if neither is", () => {
    expect(checkClaim(undefined, 5)).toEqual({ exclusive: false, permits: 1, capacity: 5 });
    expect(checkClaim(undefined, undefined)).toMatchObject({ exclusive: true });
  });
});
