import { describe, expect, it } from "vitest";
import { checkRequest } from "../../src/client/web-lock-options.ts";

const work = () => {};
const unchecked = <T>(value: unknown) => value as T;
const DEFAULTS = { callback: work, mode: "exclusive", ifAvailable: false, steal: false, signal: undefined };

describe("a request as the standard has it", () => {
  it("takes a callback alone, or options and a callback", () => {
    expect(checkRequest("name", [work])).toEqual(DEFAULTS);
    expect(checkRequest("name", [{}, work])).toEqual(DEFAULTS);
    expect(checkRequest("", [{ mode: "shared" }, work])).toEqual({ ...DEFAULTS, mode: "shared" });
    expect(checkRequest("name", [{ mode: "exclusive", steal: true }, work])).toEqual({ ...DEFAULTS, steal: true });
    expect(checkRequest("name", [{ ifAvailable: true }, work])).toEqual({ ...DEFAULTS, ifAvailable: true });
    const { signal } = new AbortController();
    expect(checkRequest("name", [{ signal }, work])).toEqual({ ...DEFAULTS, signal });
  });

  it.each([
    ["a name that is none", 7, [work], "The name of a lock must be a string."],
    ["no callback", "name", [], "callback"],
    ["options without a callback", "name", [{}], "callback"],
    ["a callback that is none", "name", [{}, "work"], "callback"],
    ["options that are null", "name", [null, work], "options"],
    ["options that are none", "name", ["shared", work], "options"],
    ["a mode of another sort", "name", [{ mode: "both" }, work], "mode"],
    ["a signal that is none", "name", [{ signal: {} }, work], "signal"],
    ["a signal that is null", "name", [{ signal: null }, work], "signal"],
  ])("refuses %s as a TypeError", (_what, name, rest, word) => {
    expect(() => checkRequest(unchecked(name), rest)).toThrow(TypeError);
    expect(() => checkRequest(unchecked(name), rest)).toThrow(word);
  });

  const { signal } = new AbortController();
  it.each([
    ["a reserved name", "-name", {}, "hyphen"],
    ["steal if available", "name", { steal: true, ifAvailable: true }, "exclude each other"],
    ["a shared lock that steals", "name", { steal: true, mode: "shared" }, "stolen"],
    ["a signal for what doesn't wait", "name", { ifAvailable: true, signal }, "waiting"],
    ["a signal for stealing", "name", { steal: true, signal }, "waiting"],
  ])("refuses %s as not supported", (_what, name, options, word) => {
    const check = () => checkRequest(name, [options, work]);
    expect(check).toThrow(
      expect.objectContaining({ name: "NotSupportedError", message: expect.stringContaining(word) }),
    );
  });

  it("refuses what was aborted before with the reason", () => {
    const check = () => checkRequest("name", [{ signal: AbortSignal.abort(new Error("before")) }, work]);
    expect(check).toThrow("before");
  });
});
