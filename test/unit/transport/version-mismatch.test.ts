import { describe, expect, it } from "vitest";
import { checkAnswered, missingMethod, unexpectedRefusal } from "../../../src/transport/version-mismatch.ts";

describe("an answer that this version does not know", () => {
  it("is a bad argument if the object says so, whatever it says of it", () => {
    expect(unexpectedRefusal({ reason: "INVALID_ARGUMENT", argument: "ttl", message: "too long" })).toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "ttl",
      message: "too long",
    });
    expect(unexpectedRefusal({ reason: "INVALID_ARGUMENT" }).message).toBe("The object refused an argument.");
  });

  it.each(["protocol", "longPoll"])("is another version's if the object does not know the option %s", (argument) => {
    const message = `unknown option "${argument}"; known options are wait, owner.`;
    const refusal = { success: false, reason: "INVALID_ARGUMENT", argument, message };
    expect(() => checkAnswered(refusal)).toThrow(expect.objectContaining({ code: "VERSION_MISMATCH" }));
    expect(() => checkAnswered({ ...refusal, message: `${argument} must be a whole number.` })).not.toThrow();
  });

  it("is another version's otherwise", () => {
    expect(unexpectedRefusal({ reason: "TOO_LATE", message: "x" })).toMatchObject({
      code: "VERSION_MISMATCH",
      message: expect.stringContaining("TOO_LATE"),
    });
  });

  it("and so is a method that it lacks, but no other error", () => {
    const missing = new TypeError('The RPC receiver does not implement the method "x".');
    expect(missingMethod(missing)).toMatchObject({ code: "VERSION_MISMATCH", cause: missing });
    expect(missingMethod(new Error("Something else"))).toBeUndefined();
    expect(missingMethod({ message: missing.message })).toBeUndefined();
    expect(missingMethod(undefined)).toBeUndefined();
  });
});
