import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { freshId, holders, lockOf, stubOf } from "../../support/locks.ts";
import { PROTOCOL } from "../../../src/core/protocol.ts";
import { once } from "../../../src/index.ts";
import { PROTOCOL_HEADER } from "../../../src/wire/protocol.ts";
import { ask, at } from "./calls.ts";

const RETAIN = 60_000;

async function runOnce(id: string, value: string, more: object = {}, fingerprint = "") {
  const { body } = await ask(at(id, "acquire"), { body: { ttl: 60_000, once: fingerprint } });
  const result = { retain: RETAIN, ...more, value: "VALUE" };
  const text = JSON.stringify({ lease: body.lease, result }).replace('"VALUE"', () => value);
  return { lease: body.lease, released: await ask(at(id, "release"), { body: text }) };
}

const again = (id: string, fingerprint = "") => ask(at(id, "acquire"), { body: { ttl: 60_000, once: fingerprint } });

it.each(['"text"', "0", "null", "false", '{"a":[1,{"b":"é\\u0000"}]}', "[[]]", '""', '"\\ud83d\\ude00"'])(
  "After a job returned %s, the next caller gets its result and no lease.",
  async (value) => {
    const id = freshId();
    const { lease, released } = await runOnce(id, value);
    expect(released.status).toBe(200);
    const { status, headers, body } = await again(id);
    expect([status, body]).toEqual([200, { recorded: { value: JSON.parse(value), failed: false, lease } }]);
    expect(headers.has("Fencing-Token")).toBe(false);
    expect(await holders(id)).toBe(0);
  },
);

it("A job that returned nothing, or failed, is reported as such.", async () => {
  const [nothing, failed] = [freshId(), freshId()];
  const { body } = await again(nothing);
  await ask(at(nothing, "release"), { body: { lease: body.lease, result: { retain: RETAIN } } });
  expect((await again(nothing)).body).toEqual({ recorded: { failed: false, lease: body.lease } });
  const { lease } = await runOnce(failed, '{"message":"broken"}', { failed: true });
  expect((await again(failed)).body).toEqual({ recorded: { value: { message: "broken" }, failed: true, lease } });
});

it("A job with another payload gets 422.", async () => {
  const id = freshId();
  await runOnce(id, "1", {}, "payload a");
  const { status, body } = await again(id, "payload b");
  expect([status, body.reason]).toEqual([422, "FINGERPRINT_MISMATCH"]);
});

it.each([
  ["nested so deeply that no clone is made", `${"[".repeat(5_000)}${"]".repeat(5_000)}`],
  ["with a field that is read as a prototype", '{"__proto__":{"a":1}}'],
  ["with a number that overflows", "[1e999]"],
  ["with minus zero", "-0"],
  ["with a lone surrogate", String.raw`"\ud800"`],
])("A result %s gets 422, and the lease stays as it was.", async (_name, value) => {
  const id = freshId();
  const { lease, released } = await runOnce(id, value);
  expect([released.status, released.body.reason]).toEqual([422, "RESULT_NOT_CLONEABLE"]);
  expect(await stubOf(id).status()).toMatchObject({ holders: [{ lease }] });
  expect((await ask(at(id, "release"), { body: { lease, result: { value: 1, retain: RETAIN } } })).status).toBe(200);
});

it("A result of 2 MB is stored, and a larger one gets 413 and leaves the lease as it was.", async () => {
  const id = freshId();
  const large = await runOnce(id, JSON.stringify("x".repeat(2_500_000)));
  expect([large.released.status, large.released.body.reason]).toEqual([413, "RESULT_TOO_LARGE"]);
  expect(await holders(id)).toBe(1);
  const value = "x".repeat(1_900_000);
  const stored = await ask(at(id, "release"), { body: { lease: large.lease, result: { value, retain: RETAIN } } });
  expect(stored.status).toBe(200);
  expect((await again(id)).body["recorded"]).toEqual({ value, failed: false, lease: large.lease });
});

it("A result that JSON can't express is sent encoded, and can be stored in that form.", async () => {
  const [id, copy] = [freshId(), freshId()];
  await once(lockOf(id), async () => new Map([["at", new Date(0)]]), { retain: RETAIN });
  // A caller that names no protocol may be a client that takes an answer without a value for undefined.
  const unaware = await again(id);
  expect([unaware.status, unaware.body.reason]).toEqual([422, "RESULT_NOT_CLONEABLE"]);
  expect(unaware.body["detail"]).toContain(`${PROTOCOL_HEADER}: ${PROTOCOL}`);
  const headers = { [PROTOCOL_HEADER]: String(PROTOCOL) };
  const { status, body } = await ask(at(id, "acquire"), { headers, body: { ttl: 60_000, once: "" } });
  const { encoded } = body["recorded"] as unknown as { encoded: unknown };
  expect([status, body["recorded"]]).toEqual([
    200,
    { encoded: [["Map", 1, 2], "at", ["Date", "1970-01-01T00:00:00.000Z"]], failed: false, lease: expect.any(Number) },
  ]);
  const { lease } = (await again(copy)).body;
  const released = await ask(at(copy, "release"), { body: { lease, result: { encoded, retain: RETAIN } } });
  expect(released.status).toBe(200);
  expect(await once<unknown>(lockOf(copy), () => "ran")).toEqual(new Map([["at", new Date(0)]]));
});

it("A result from an earlier version that no transport can carry gets 422, and never a part of it.", async () => {
  const id = freshId();
  await once(lockOf(id), () => 1, { retain: RETAIN });
  await runInDurableObject(stubOf(id), (_lock, { storage }) => {
    storage.kv.put("result", { ...storage.kv.get<object>("result"), value: [new Headers({ a: "b" })] });
  });
  const { status, body } = await again(id);
  expect([status, body.reason]).toEqual([422, "RESULT_NOT_CLONEABLE"]);
  expect(body["detail"]).toContain("in a Worker");
});

it.each([
  ["four billion holes", [[-7, 4_294_967_295, 0, 1], 2]],
  ["an invalid table", [[1]]],
  ["a text", "[[1],2]"],
  ["a value beside it", [1], 1],
])("An encoded result of %s gets 422, and the lease stays as it was.", async (_name, encoded, value?: unknown) => {
  const id = freshId();
  const { lease } = (await again(id)).body;
  const result = { encoded, value, retain: RETAIN };
  const { status, body } = await ask(at(id, "release"), { body: { lease, result } });
  expect([status, body.reason]).toEqual([422, "RESULT_NOT_CLONEABLE"]);
  expect(await stubOf(id).status()).toMatchObject({ holders: [{ lease }] });
});

it("A result with too many arrays or too deep a nesting is refused before its text is parsed.", async () => {
  const id = freshId();
  const { lease } = (await again(id)).body;
  const released = (value: string) =>
    ask(at(id, "release"), { body: `{"lease":${lease},"result":{"retain":60000,"value":${value}}}` });
  expect((await released(`[${"[],".repeat(1_100_000)}[]]`)).body.reason).toBe("RESULT_TOO_LARGE");
  expect((await released(`${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`)).body.reason).toBe("RESULT_NOT_CLONEABLE");
  // Brackets inside a string are not nesting.
  expect((await released(JSON.stringify(`${"[".repeat(5_000)}"\\"${"{".repeat(5_000)}`))).status).toBe(200);
});

const BASE64_GROWTH = 4 / 3;
it.each([
  [1_900_000, 200, undefined],
  [2_100_000, 413, "RESULT_TOO_LARGE"],
  [4_600_000, 413, "RESULT_TOO_LARGE"],
  [12_000_000, 413, expect.stringMatching(/^(RESULT|PAYLOAD)_TOO_LARGE$/)],
])("A result of %i bytes is judged by its size, both as value and as encoded: %i.", async (size, status, reason) => {
  const buffer = ["ArrayBuffer", "A".repeat(Math.floor(size / 3) * 3 * BASE64_GROWTH)];
  for (const carried of [{ value: "x".repeat(size) }, { encoded: [["Uint8Array", 1], buffer] }]) {
    const id = freshId();
    const { lease } = (await again(id)).body;
    const answer = await ask(at(id, "release"), { body: { lease, result: { ...carried, retain: RETAIN } } });
    expect([answer.status, answer.body.reason]).toEqual([status, reason]);
    expect(await holders(id)).toBe(reason === undefined ? 0 : 1);
  }
});
