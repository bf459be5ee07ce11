import { describe, expect, it } from "vitest";
import {
  checkClaim,
  checkCount,
  checkDuration,
  checkFlag,
  checkLease,
  checkLongPoll,
  checkOnce,
  checkOptions,
  checkPermits,
  checkRetain,
  checkText,
  checkWait,
  checkWaited,
  checkWatched,
} from "../../../src/core/checks.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { checkConversion, checkRelease, checkRequest, checkRequestIdOption } from "../../../src/core/request.ts";
import { isLockError } from "../../../src/index.ts";

const DAY = 86_400_000;
const HIGHEST = Number.MAX_SAFE_INTEGER;
const newId = () => "made";

/** The argument and the message of the refusal. */
function refusal(check: () => unknown): string {
  try {
    check();
  } catch (error) {
    if (isLockError(error) && error.code === "INVALID_ARGUMENT") return `${error.argument}: ${error.message}`;
    throw error;
  }
  return "";
}

describe("G9 the limits", () => {
  it("The limits are the documented ones.", () => {
    expect(LIMITS).toEqual({
      maxTtl: DAY,
      maxWait: DAY,
      maxTextBytes: 512,
      maxTokenNameBytes: 64,
      maxWaiters: 10_000,
      maxLeases: 10_000,
      maxHoldersNamed: 10,
      maxHoldersNamedInLine: 3,
      maxWaitersPerToken: 5_000,
      maxLeasesPerToken: 5_000,
      maxCount: 10_000,
      maxParties: 1_000,
      longPoll: 25_000,
      returnWithin: 2_000,
      quiet: 1_250,
      reassembly: 30_000,
      silence: 60_000,
      maxResultBytes: 2_000_000,
      maxResultDepth: 1_000,
      maxBytesTogether: 16_000_000,
      betweenGroups: 50,
      maxRetain: 366 * DAY,
      cleanUp: DAY,
      idle: DAY - 600_000,
    });
  });

  it.each<[string, (value: never) => unknown, good: unknown[], bad: unknown[]]>([
    ["a duration", (value) => checkDuration(value, "ttl"), [1, DAY], [0, DAY + 1, 1.5, "1"]],
    ["a retention", checkRetain, [1, 366 * DAY], [0, 366 * DAY + 1, undefined]],
    ["a wait", checkWait, [0, DAY, Infinity], [-1, DAY + 1, -Infinity, undefined]],
    ["a long poll", checkLongPoll, [1, 25_000], [0, 25_001, 1.5, Infinity]],
    ["a waiting time", checkWaited, [0, HIGHEST], [-1, HIGHEST + 1, Infinity]],
    ["a lease", checkLease, [1, HIGHEST], [0, HIGHEST + 1, null]],
    ["a watched lease", checkWatched, [0, 1, HIGHEST], [-1, HIGHEST + 1, null]],
    ["a number of permits", checkPermits, [1, HIGHEST], [0, HIGHEST + 1, Infinity]],
    ["a count", (value) => checkCount(value, "count", 7), [1, 7], [0, 8]],
    ["a flag", (value) => checkFlag(value, "steal"), [true, false], ["yes", 1, null]],
    ["a text", (value) => checkText(value, "id"), ["a", "x".repeat(512), "é".repeat(256)], ["", 7, "\ud800"]],
    [
      "the bytes of a text",
      (value) => checkText(value, "id"),
      [],
      ["x".repeat(513), "é".repeat(257), `${"é".repeat(256)}a`],
    ],
    ["a payload", checkOnce, [undefined, "", "sha"], [null, 7, "x".repeat(513)]],
  ])("The check of %s accepts values at its limits and refuses values beyond them.", (_what, check, good, bad) => {
    for (const value of good) expect(check(value as never)).toBe(value);
    for (const value of bad) expect([value, refusal(() => check(value as never))]).not.toEqual([value, ""]);
  });

  it("An absent flag counts as false.", () => {
    expect(checkFlag(undefined, "steal")).toBe(false);
  });
});

describe("Messages of refusals", () => {
  it.each<[() => unknown, string]>([
    [
      () => checkDuration(0, "ttl"),
      "ttl: ttl must be a whole number of milliseconds from 1 to 86400000 (1 day), got 0.",
    ],
    [() => checkRetain("x".repeat(40)), `got "${"x".repeat(40)}".`],
    [() => checkRetain("x".repeat(41)), "got a string of 41 characters."],
    [() => checkRetain(7n * 10n ** 30n), "got 7000000000000000000000000000000."],
    [() => checkRetain(true), "got true."],
    [() => checkRetain(null), "got null."],
    [() => checkRetain({}), "got a value of type object."],
    [
      () => checkRetain(undefined),
      "retain: retain must be a whole number of milliseconds from 1 to 31622400000 (366 days)",
    ],
    [() => checkFlag("yes", "steal"), 'steal: steal must be true or false, got "yes".'],
    [() => checkWait(-1), "wait: wait must be a whole number of milliseconds from 0 to 86400000 (1 day), or Infinity"],
    [() => checkWaited(-1), "waited: waited must be a whole number of milliseconds, 0 or more, got -1."],
    [() => checkLease(0), "lease: lease must be the number that acquire returned"],
    [() => checkWatched(-1), "known: known must be the number that acquire returned"],
    [() => checkText("", "id"), 'id: id must be a non-empty string, got "".'],
    [() => checkText("x".repeat(513), "id"), "id: id must be at most 512 bytes of UTF-8; shorten or hash it."],
    [() => checkText("\ud800", "id"), "id: id must be well-formed Unicode, without lone surrogates."],
    [() => checkPermits(0), "permits: permits must be a whole number, 1 or more, got 0."],
    [() => checkCount(8, "by", 7), "by: by must be a whole number from 1 to 7, got 8."],
    [
      () => checkClaim(1, undefined),
      "capacity: capacity must be a whole number, 1 or more, or Infinity for no limit, got a value",
    ],
    [() => checkClaim(4, 3), "permits: permits must be a whole number from 1 to the capacity of 3, got 4."],
    [() => checkOptions(new Map(), []), "options: options must be an object, got a value of type object."],
    [() => checkOptions({ tll: 1 }, ["ttl", "wait"]), 'tll: unknown option "tll"; known options are ttl, wait.'],
    [() => checkOptions({ ["k".repeat(50)]: 1 }, []), `${"k".repeat(40)}: unknown option a string of 50 characters;`],
    [
      () => checkRequest(1, { steal: true, capacity: 2 }, newId),
      "steal: `steal` takes the whole lock: leave out `permits`",
    ],
    [() => checkRequest(1, { once: "", capacity: 2 }, newId), "once: a once-only job takes the whole lock"],
    [() => checkRequest(0, {}, newId), "ttl: ttl must be"],
    [() => checkRequest(1, { owner: "" }, newId), "owner: owner must be"],
    [() => checkRequest(1, { wait: -1 }, newId), "wait: wait must be"],
    [
      () => checkRequest(1, { longPoll: 0 }, newId),
      "longPoll: longPoll must be a whole number of milliseconds from 1 to 25000",
    ],
    [() => checkRequest(1, { waited: -1 }, newId), "waited: waited must be"],
    [() => checkRequest(1, { lockDelay: -1 }, newId), "lockDelay: lockDelay must be"],
    [() => checkRequest(1, { requestId: "" }, newId), "requestId: requestId must be"],
    [() => checkRequest(1, { result: 1 }, newId), 'result: unknown option "result"'],
    [() => checkRelease({ result: { retain: 0 } }, newId), "retain: retain must be"],
    [() => checkRelease({ result: { retain: 1, failed: 1 } }, newId), "failed: failed must be"],
    [() => checkRelease({ result: 7 }, newId), "result: result must be an object, got 7."],
  ])("The message names the argument, the limit and the value given: %s", (check, said) => {
    expect(refusal(check)).toContain(said);
  });
});

describe("Checked requests", () => {
  it("A claim is one permit if only the capacity is given, and exclusive if neither is given.", () => {
    expect(checkClaim(undefined, 5)).toEqual({ exclusive: false, permits: 1, capacity: 5 });
    expect(checkClaim(undefined, undefined)).toEqual({ exclusive: true, permits: 1, capacity: 1 });
    expect(checkClaim(5, 5)).toEqual({ exclusive: false, permits: 5, capacity: 5 });
    expect(checkClaim(HIGHEST, Infinity)).toEqual({ exclusive: false, permits: HIGHEST, capacity: Infinity });
  });

  it("checkRequest fills in a default for each option that is left out.", () => {
    expect(checkRequest(7, undefined, newId)).toEqual({
      ttl: 7,
      wait: 0,
      waited: 0,
      owner: undefined,
      exclusive: true,
      permits: 1,
      capacity: 1,
      requestId: "made",
      lockDelay: 0,
      steal: false,
      job: undefined,
    });
  });

  it("checkRequest returns the options that were given.", () => {
    const given = {
      wait: 5,
      longPoll: 7,
      waited: 6,
      owner: "me",
      requestId: "id",
      lockDelay: 8,
      steal: true,
    };
    const job = { fingerprint: "sha" };
    expect(checkRequest(7, { ...given, once: "sha" }, newId)).toMatchObject({ ttl: 7, exclusive: true, ...given, job });
    expect(checkRequest(7, { permits: 2, capacity: 3, lockDelay: 0, steal: false }, newId)).toMatchObject({
      exclusive: false,
      permits: 2,
      capacity: 3,
      lockDelay: 0,
      steal: false,
    });
  });

  it("A conversion checks its claim in the same way, and a release checks its result if there is one.", () => {
    expect(checkConversion({ permits: 2, capacity: 3 }, newId)).toEqual({
      claim: { exclusive: false, permits: 2, capacity: 3 },
      requestId: "made",
    });
    expect(checkRequestIdOption({ requestId: "id" }, newId)).toBe("id");
    expect(checkRequestIdOption(null, newId)).toBe("made");
    expect(checkRelease({}, newId)).toEqual({ requestId: "made" });
    expect(checkRelease({ result: { value: 1, retain: 5 } }, newId)).toEqual({
      requestId: "made",
      result: { value: 1, failed: false, retain: 5 },
    });
  });
});
