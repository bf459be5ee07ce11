import { describe, expect, it } from "vitest";
import { asAsked, everything, oneOfMany, outOf } from "../../../../src/toolkit/options/claim-rule.ts";

const NOTHING = { permits: undefined, capacity: undefined };
const refusal = (argument: string, message: string) => expect.objectContaining({ argument, message });

describe("Claim of each kind of lock", () => {
  it("G1 A plain lock takes the claim that it is given.", () => {
    expect(asAsked(NOTHING)).toEqual({});
    expect(asAsked({ permits: 2, capacity: 3 })).toEqual({ permits: 2, capacity: 3 });
    expect(asAsked({ ...NOTHING, permits: 2 })).toEqual({ permits: 2 });
    expect(asAsked({ ...NOTHING, capacity: 3 })).toEqual({ capacity: 3 });
  });

  it("G1 A writer takes everything and a reader one permit of any number, and neither accepts another share.", () => {
    expect(everything(NOTHING)).toEqual({});
    expect(oneOfMany(NOTHING)).toEqual({ permits: 1, capacity: Infinity });
    for (const [rule, what] of [
      [everything, "this lock takes everything"],
      [oneOfMany, "this lock takes one permit of any number"],
    ] as const) {
      expect(() => rule({ ...NOTHING, permits: 1 })).toThrow(refusal("permits", `${what}: leave permits out.`));
      expect(() => rule({ ...NOTHING, capacity: 1 })).toThrow(refusal("capacity", `${what}: leave capacity out.`));
    }
  });

  it("G1 A semaphore takes one of its permits, or as many as it is asked for.", () => {
    expect(outOf(5)(NOTHING)).toEqual({ permits: 1, capacity: 5 });
    expect(outOf(5)({ ...NOTHING, permits: 3 })).toEqual({ permits: 3, capacity: 5 });
    expect(() => outOf(5)({ ...NOTHING, capacity: 5 })).toThrow(
      refusal("capacity", "the semaphore has 5 permits: leave capacity out."),
    );
  });
});
