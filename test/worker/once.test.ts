import { expect, it } from "vitest";
import { freshId, holders, lockOf, stubOf } from "../support/locks.ts";
import { once } from "../../src/index.ts";
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
  "a job that came to %s has run once: who asks again is told its result, and is granted nothing",
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

it("a job that came to nothing, or failed, is told so", async () => {
  const [nothing, failed] = [freshId(), freshId()];
  const { body } = await again(nothing);
  await ask(at(nothing, "release"), { body: { lease: body.lease, result: { retain: RETAIN } } });
  expect((await again(nothing)).body).toEqual({ recorded: { failed: false, lease: body.lease } });
  const { lease } = await runOnce(failed, '{"message":"broken"}', { failed: true });
  expect((await again(failed)).body).toEqual({ recorded: { value: { message: "broken" }, failed: true, lease } });
});

it("a job with another payload is 422", async () => {
  const id = freshId();
  await runOnce(id, "1", {}, "payload a");
  const { status, body } = await again(id, "payload b");
  expect([status, body.reason]).toEqual([422, "FINGERPRINT_MISMATCH"]);
});

it.each([
  ["nested so deeply that no clone is made", `${"[".repeat(5_000)}${"]".repeat(5_000)}`],
  ["with a field that is read as a prototype", '{"__proto__":{"a":1}}'],
  ["with a number beyond all numbers", "[1e999]"],
  ["with minus zero", "-0"],
  ["with a lone surrogate", String.raw`"\ud800"`],
])("a result %s is 422, and the lease is as it was", async (_name, value) => {
  const id = freshId();
  const { lease, released } = await runOnce(id, value);
  expect([released.status, released.body.reason]).toEqual([422, "RESULT_NOT_CLONEABLE"]);
  expect(await stubOf(id).status()).toMatchObject({ holders: [{ lease }] });
  expect((await ask(at(id, "release"), { body: { lease, result: { value: 1, retain: RETAIN } } })).status).toBe(200);
});

it("a result of 2 MB is kept, and a larger one is 413 with the lease as it was", async () => {
  const id = freshId();
  const large = await runOnce(id, JSON.stringify("x".repeat(2_500_000)));
  expect([large.released.status, large.released.body.reason]).toEqual([413, "RESULT_TOO_LARGE"]);
  expect(await holders(id)).toBe(1);
  const value = "x".repeat(1_900_000);
  const kept = await ask(at(id, "release"), { body: { lease: large.lease, result: { value, retain: RETAIN } } });
  expect(kept.status).toBe(200);
  expect((await again(id)).body["recorded"]).toEqual({ value, failed: false, lease: large.lease });
});

it("a result that a Worker recorded and JSON can't carry is 422, and never half of it", async () => {
  const id = freshId();
  await once(lockOf(id), async () => new Date(0), { retain: RETAIN });
  const { status, body } = await again(id);
  expect([status, body.reason]).toEqual([422, "RESULT_NOT_CLONEABLE"]);
  expect(body["detail"]).toContain("in a Worker");
});
