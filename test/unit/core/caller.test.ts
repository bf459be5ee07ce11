import { describe, expect, it } from "vitest";
import { type Caller, givenId, refusalTo, scopedTo, takeCaller, tokenNameOf } from "../../../src/core/caller.ts";
import { isLockError } from "../../../src/index.ts";

const CI: Caller = { tokenName: "ci", isAdmin: false };

describe("Scoped request ids", () => {
  it.each([
    ["ci", "job"],
    ["c", "ijob"],
    ["name with spaces", "\0\uffff"],
    ["é", "\u{10000}"],
    ["\u{10000}", "job"],
    ["a\u{103ff}b", "\u{10000}"],
  ])("A request id scoped to a token name can be taken apart again: %j %j.", (name, id) => {
    const parts = [tokenNameOf(scopedTo(name, id)), givenId(scopedTo(name, id))];
    // Compared as JSON, because a failure report can't show half a character.
    expect(JSON.stringify(parts)).toBe(JSON.stringify([name, id]));
  });

  it("Scoped ids differ for each token name, and without one, even where name and id join to the same text.", () => {
    const ids = [scopedTo("ci", "job"), scopedTo("c", "ijob"), scopedTo("cij", "ob"), scopedTo(undefined, "cijob")];
    expect(new Set(ids).size).toBe(4);
  });

  it("A request over RPC, which has no token name, keeps its id unchanged.", () => {
    expect(scopedTo(undefined, "job")).toBe("job");
    for (const id of ["job", "ci\u{10000}", "\u{103ff}"])
      expect(JSON.stringify([tokenNameOf(id) ?? null, givenId(id)])).toBe(JSON.stringify([null, id]));
  });

  it("A scoped id is not well-formed Unicode, so no caller can give it as its own id.", () => {
    expect(scopedTo("ci", "job").isWellFormed()).toBe(false);
  });
});

describe("G9 the caller option", () => {
  it("takeCaller takes the caller out of the options and leaves the rest.", () => {
    expect(takeCaller({ requestId: "r", caller: CI })).toEqual({ caller: CI, rest: { requestId: "r" } });
    expect(takeCaller({ requestId: "r" })).toEqual({ caller: undefined, rest: { requestId: "r" } });
    expect(takeCaller({ caller: undefined as never })).toEqual({ caller: undefined, rest: {} });
    for (const none of [undefined, null]) expect(takeCaller(none)).toEqual({ caller: undefined, rest: none });
  });

  it("The name of a token may have 64 bytes.", () => {
    const tokenName = "é".repeat(32);
    expect(takeCaller({ caller: { tokenName, isAdmin: true } }).caller).toEqual({ tokenName, isAdmin: true });
  });

  it.each<[string, unknown]>([
    ["caller.tokenName", {}],
    ["caller.tokenName", { tokenName: "" }],
    ["caller.tokenName", { tokenName: 1 }],
    ["caller.tokenName", { tokenName: "\ud800" }],
    ["caller.tokenName", { tokenName: "x".repeat(65) }],
    ["caller.tokenName", { tokenName: "é".repeat(33) }],
    ["caller.isAdmin", { tokenName: "ci", isAdmin: "yes" }],
    ["token", { tokenName: "ci", token: "secret" }],
    ["caller", "ci"],
    ["caller.tokenName", null],
  ])("A bad caller is refused with an error that names %s: %j.", (argument, caller) => {
    let error: unknown;
    try {
      takeCaller({ caller: caller as Caller });
    } catch (thrown) {
      error = thrown;
    }
    expect(isLockError(error, "INVALID_ARGUMENT") && error.argument).toBe(argument);
  });
});

describe("Ownership by token name", () => {
  it.each<[string, Caller | undefined, string | undefined, boolean]>([
    ["its token", CI, "ci", true],
    ["another token", { ...CI, tokenName: "other" }, "ci", false],
    ["another token whose name begins the same", { ...CI, tokenName: "c" }, "ci", false],
    ["an admin", { tokenName: "other", isAdmin: true }, "ci", true],
    ["a caller over RPC", undefined, "ci", true],
    ["a token, though it was taken over RPC", CI, undefined, false],
    ["an admin, though it was taken over RPC", { ...CI, isAdmin: true }, undefined, true],
  ])("The ownership rule decides whether a request may be ended by %s.", (_who, caller, tokenName, may) => {
    const reply = refusalTo(caller, { requestId: scopedTo(tokenName, "job") });
    expect(reply).toEqual(may ? undefined : { success: false, reason: "OTHER_TOKEN" });
  });
});
