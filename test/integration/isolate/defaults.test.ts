// Every default that a docstring states is accepted, and `undefined` stands for the default.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { documentedOptions } from "./documented-options.ts";
import { Isolate } from "./isolate.ts";

let isolate: Isolate;
before(async () => {
  isolate = await Isolate.start();
});
after(() => isolate?.[Symbol.asyncDispose]());

const options = documentedOptions();

test("Every optional option states its default.", () => {
  const silent = options.filter(({ byDefault }) => byDefault === undefined);
  assert.deepEqual(
    silent.map(({ type, option }) => `${type}.${option}`),
    [],
  );
  assert.ok(options.length > 90, `${options.length} options were found`);
});

for (const { type, option, byDefault = "none" } of options)
  test(`${type}.${option} accepts its default, ${byDefault}, and undefined.`, async () => {
    assert.deepEqual(await isolate.ask(`/default?${new URLSearchParams({ type, option, byDefault })}`), []);
  });
