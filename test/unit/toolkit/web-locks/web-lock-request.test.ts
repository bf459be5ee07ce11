import { describe, expect, it } from "vitest";
import { checkWebLockRequest, toText } from "../../../../src/toolkit/web-locks/web-lock-request.ts";

const work = () => {};
const DEFAULTS = {
  name: "name",
  callback: work,
  mode: "exclusive",
  ifAvailable: false,
  steal: false,
  signal: undefined,
};
const { signal } = new AbortController();

describe("Conversion by WebIDL", () => {
  it.each([
    ["a callback alone", ["name", work]],
    ["empty options", ["name", {}, work]],
    ["options that are undefined", ["name", undefined, work]],
    ["options that are null", ["name", null, work]],
    ["options that are a function", ["name", () => {}, work]],
    ["members that are undefined", ["name", { mode: undefined, steal: undefined, signal: undefined }, work]],
    ["more arguments than there are", ["name", {}, work, "more"]],
    ["options that it does not know", ["name", { wait: 5 }, work]],
  ])("A web lock request takes %s as no options.", (_what, args) => {
    expect(checkWebLockRequest(args)).toEqual(DEFAULTS);
  });

  it.each([
    ["shared", { mode: "shared" }, { mode: "shared" }],
    ["a mode that turns into a string", { mode: { toString: (): string => "shared" } }, { mode: "shared" }],
    ["steal", { mode: "exclusive", steal: true }, { steal: true }],
    ["a steal that is truthy", { steal: "no" }, { steal: true }],
    ["a steal that is falsy", { steal: "" }, {}],
    ["an ifAvailable that is truthy", { ifAvailable: {} }, { ifAvailable: true }],
    ["an ifAvailable that is null", { ifAvailable: null }, {}],
    ["a signal", { signal }, { signal }],
  ])("A web lock request takes %s.", (_what, options, converted) => {
    expect(checkWebLockRequest(["name", options, work])).toEqual({ ...DEFAULTS, ...converted });
  });

  it.each([
    ["a number", 7, "7"],
    ["minus zero", -0, "0"],
    ["null", null, "null"],
    ["undefined", undefined, "undefined"],
    ["an array", ["a", "b"], "a,b"],
    ["an object with toString", { toString: (): string => "text", valueOf: (): string => "value" }, "text"],
    ["the empty string", "", ""],
    ["a lone surrogate", "\ud800", "\ud800"],
  ])("A web lock request takes %s as a name.", (_what, name, text) => {
    expect(checkWebLockRequest([name, work]).name).toBe(text);
  });

  it("A web lock request reads each option once, in alphabetical order, before it looks at the callback.", () => {
    const read: string[] = [];
    const options = new Proxy({}, { get: (_target, member) => void read.push(String(member)) });
    expect(() => checkWebLockRequest(["name", options, "no function"])).toThrow("callback");
    expect(read).toEqual(["ifAvailable", "mode", "signal", "steal"]);
  });

  it.each([
    ["no argument", [], "callback"],
    ["a name alone", ["name"], "callback"],
    ["options without a callback", ["name", {}], "callback"],
    ["a callback that is none", ["name", {}, "work"], "callback"],
    ["a callback that is undefined", ["name", undefined, undefined], "callback"],
    ["a name that is a Symbol", [Symbol("name"), work], "name"],
    ["options that are a string", ["name", "shared", work], "options"],
    ["options that are a number", ["name", 7, work], "options"],
    ["a mode of another sort", ["name", { mode: "both" }, work], "mode"],
    ["a mode that is null", ["name", { mode: null }, work], "mode"],
    ["a mode that is a Symbol", ["name", { mode: Symbol("shared") }, work], "mode"],
    ["a signal that is none", ["name", { signal: {} }, work], "signal"],
    ["a signal that is null", ["name", { signal: null }, work], "signal"],
  ])("A web lock request refuses %s as a TypeError that names the argument.", (_what, args, word) => {
    expect(() => checkWebLockRequest(args)).toThrow(TypeError);
    expect(() => checkWebLockRequest(args)).toThrow(word);
  });

  it("A web lock request passes on what a conversion throws.", () => {
    const own = new Error("own");
    const throwing = () => {
      throw own;
    };
    expect(() => toText({ toString: throwing }, "name")).toThrow(own);
    expect(() => checkWebLockRequest(["name", Object.defineProperty({}, "mode", { get: throwing }), work])).toThrow(
      own,
    );
  });
});

describe("Checks of the standard", () => {
  it.each([
    ["a reserved name", "-name", {}, "name"],
    ["steal if available", "name", { steal: true, ifAvailable: true }, "exclude each other"],
    ["a shared lock that steals", "name", { steal: true, mode: "shared" }, "steal"],
    ["a signal for what doesn't wait", "name", { ifAvailable: true, signal }, "signal"],
    ["a signal for stealing", "name", { steal: true, signal }, "signal"],
  ])("A web lock request refuses %s as not supported.", (_what, name, options, word) => {
    const check = () => checkWebLockRequest([name, options, work]);
    expect(check).toThrow(
      expect.objectContaining({ name: "NotSupportedError", message: expect.stringContaining(word) }),
    );
  });

  it("A web lock request is checked in the order of the standard: types, the name, exclusions, an aborted signal.", () => {
    const aborted = AbortSignal.abort(new Error("before"));
    const all = { steal: true, ifAvailable: true, mode: "shared", signal: aborted };
    const of = (name: string, options: object) => () => checkWebLockRequest([name, options, work]);
    expect(of("-name", { ...all, mode: "both" })).toThrow(TypeError);
    expect(of("-name", all)).toThrow("name must not begin");
    expect(of("name", all)).toThrow("exclude each other");
    expect(of("name", { ...all, ifAvailable: false })).toThrow("mode");
    expect(of("name", { ...all, ifAvailable: false, mode: "exclusive" })).toThrow("signal ends");
    expect(of("name", { signal: aborted })).toThrow("before");
  });
});
