import fc from "fast-check";
import { expect, it } from "vitest";
import type { DurableLock } from "../../../src/index.ts";
import { freshId, stubOf } from "../../support/locks.ts";
import { PARKED, inside, settled } from "./host.ts";
import { sweep, withoutTimes } from "./lock-calls.ts";
import { anything, fuzz, unknownKey } from "./values.ts";

const ROUTES = ["/acquire", "/renew", "/release", "/isLocked", "/status"];
const TRICKS = [
  "/",
  "",
  "//acquire",
  "/acquire/",
  "/Acquire",
  "/acquire/../release",
  "/./isLocked",
  "/%61cquire",
  "/acquire%2f",
  "/%2e%2e/status",
  "/%252e%252e/acquire",
  "/acquire%00",
  "/acquire;ttl=1",
  "\\acquire",
  "/__proto__",
  "/constructor",
  "/toString",
  "/%ff%fe",
];
const path = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...ROUTES) },
  { weight: 2, arbitrary: fc.constantFrom(...TRICKS) },
  { weight: 1, arbitrary: fc.webPath() },
);

const NAMES = [
  "ttl",
  "lease",
  "wait",
  "longPoll",
  "waited",
  "permits",
  "capacity",
  "owner",
  "requestId",
  "lockDelay",
  "steal",
  "once",
  "result",
];
const number = fc.constantFrom(
  "1",
  "1000",
  "0",
  "-1",
  "1.5",
  "1e3",
  "0x10",
  " 1",
  "1 ",
  "+1",
  "01",
  "Infinity",
  "-Infinity",
  "NaN",
  "86400000",
  "86400001",
  "9007199254740993",
  "9".repeat(400),
  "undefined",
  "null",
  "",
  "١",
  "%31",
  "%2531",
);
const text = anything.map((value) => {
  try {
    return String(value).slice(0, 2_000);
  } catch {
    return "[object]";
  }
});
const encoded = fc.oneof(
  number,
  number,
  text.map((value) => encodeURIComponent(value.toWellFormed())),
  text.map((value) => value.toWellFormed()),
  fc.constantFrom("%", "%ff", "%c0%80", "%ed%a0%80"),
);
const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...NAMES) },
  { weight: 1, arbitrary: unknownKey.map((key) => encodeURIComponent(key.toWellFormed())) },
);
const query = fc
  .array(fc.tuple(name, encoded), { maxLength: 4 })
  .map((pairs) => pairs.map(([key, value]) => `${key}=${value}`).join("&"));
const goodQuery = query.map((more) => `ttl=1000${more && "&"}${more}`);

const init = fc.constantFrom<() => RequestInit>(
  () => ({}),
  () => ({ method: "HEAD" }),
  () => ({ method: "DELETE" }),
  () => ({ method: "OPTIONS" }),
  () => ({ method: "PROPFIND" }),
  () => ({ method: "POST", body: "ttl=5" }),
  () => ({ method: "PUT", body: new Uint8Array(100_000) }),
  () => ({ method: "POST", body: '{"ttl": 1', headers: { "content-type": "application/json" } }),
  () => ({ headers: { "content-length": "-1", range: "bytes=0-", "if-none-match": "*", upgrade: "h2c" } }),
  () => ({ headers: { "x-long": "x".repeat(10_000), "fencing-token": "NaN" } }),
);

function requestOf([where, what, make]: [string, string, () => RequestInit]): Request | undefined {
  try {
    return new Request(`http://object${where}${what && "?"}${what}`, make());
  } catch {
    // Not a URL, so nothing that could arrive.
    return undefined;
  }
}

async function expectDocumented(response: Response): Promise<boolean> {
  expect([200, 400, 404]).toContain(response.status);
  expect(response.headers.get("content-type")).toContain("application/json");
  const body = await response.json<{ success?: boolean; reason?: string; argument?: unknown; message?: string }>();
  if (response.status === 200) {
    if (typeof body === "object") expect(body.reason).not.toBe("INVALID_ARGUMENT");
    return false;
  }
  expect(body).toEqual({
    success: false,
    reason: "INVALID_ARGUMENT",
    argument: expect.any(String),
    message: expect.any(String),
  });
  expect(body.message?.length).toBeLessThan(500);
  return true;
}

/** Plain requests from outside. */
export function fuzzRequests(runs: number): void {
  it("G9 Any plain request gets 200, 400 or 404 and a JSON body, and a bad one changes nothing.", async () => {
    await inside(stubOf(freshId()), async (lock: DurableLock, _state, { touched, timers }) => {
      await sweep(lock);
      const look = async () => [withoutTimes(await lock.status()), touched(), timers()];
      await fuzz(runs, fc.tuple(path, fc.oneof(query, goodQuery), init), async (input) => {
        const request = requestOf(input);
        if (!request) return;
        const before = await look();
        const response = await settled(lock.fetch(request));
        const refused = response !== PARKED && (await expectDocumented(response as Response));
        if (refused) expect(await look()).toEqual(before);
        else await sweep(lock);
      });
    });
  });

  it("G9 An enormous query is answered in one pass over it.", async () => {
    const many = Array.from({ length: 100_000 }, (_, n) => `p${n}=${n}`).join("&");
    await inside(stubOf(freshId()), async (lock: DurableLock) => {
      for (const enormous of [many, `${many}&p5=1`, `ttl=1000&${many}`, `owner=${"x".repeat(2_000_000)}&ttl=1000`]) {
        const response = await lock.fetch(new Request(`http://object/acquire?${enormous}`));
        expect(response.status).toBe(400);
        expect(await expectDocumented(response)).toBe(true);
      }
      expect(await lock.isLocked()).toBe(false);
    });
  });
}
