import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Isolate } from "./isolate.ts";

let isolate: Isolate;
before(async () => {
  isolate = await Isolate.start();
});
after(() => isolate?.[Symbol.asyncDispose]());

const LOCKS = ["lock", "semaphore", "reader", "writer", "web lock", 0];

for (const request of ["first", "next"])
  test(`What was made at module level works in the ${request} request of a Worker.`, async () => {
    assert.deepEqual(await isolate.ask("/all"), {
      "over RPC": LOCKS,
      "over HTTP": LOCKS,
      "a latch": 0,
      "a barrier": 0,
      "a service": 200,
      "a fence of HTTP": 1,
      "a fence of D1": 1,
      "a fence of R2": "made",
    });
  });
