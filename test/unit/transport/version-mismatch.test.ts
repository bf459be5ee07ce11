import { describe, expect, it } from "vitest";
import { checkAnswered, missingMethod, unexpectedRefusal } from "../../../src/transport/version-mismatch.ts";

describe("Answers that this version does not know", () => {
  it("An answer INVALID_ARGUMENT is a bad argument, whatever else the object says.", () => {
    expect(unexpectedRefusal({ reason: "INVALID_ARGUMENT", argument: "ttl", message: "too long" })).toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "ttl",
      message: "too long",
    });
    expect(unexpectedRefusal({ reason: "INVALID_ARGUMENT" }).message).toBe("The object refused an argument.");
  });

  it.each(["protocol", "longPoll"])("An answer that the option %s is unknown is a VERSION_MISMATCH.", (argument) => {
    const message = `unknown option "${argument}"; known options are wait, owner.`;
    const refusal = { success: false, reason: "INVALID_ARGUMENT", argument, message };
    expect(() => checkAnswered(refusal)).toThrow(expect.objectContaining({ code: "VERSION_MISMATCH" }));
    expect(() => checkAnswered({ ...refusal, message: `${argument} must be a whole number.` })).not.toThrow();
  });

  it("An answer with an unknown reason is a VERSION_MISMATCH.", () => {
    expect(unexpectedRefusal({ reason: "TOO_LATE", message: "x" })).toMatchObject({
      code: "VERSION_MISMATCH",
      message: expect.stringContaining("TOO_LATE"),
    });
  });

  it("A method that the object lacks is a VERSION_MISMATCH, and no other error is.", () => {
    const missing = new TypeError('The RPC receiver does not implement the method "x".');
    expect(missingMethod(missing)).toMatchObject({ code: "VERSION_MISMATCH", cause: missing });
    expect(missingMethod(new Error("Something else"))).toBeUndefined();
    expect(missingMethod({ message: missing.message })).toBeUndefined();
    expect(missingMethod(undefined)).toBeUndefined();
  });
});
