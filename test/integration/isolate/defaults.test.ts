// Every default that a docstring states is accepted when it is given, and `undefined` means it.
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

test("every option that may be left out states its default", () => {
  const silent = options.filter(({ byDefault }) => byDefault === undefined);
  assert.deepEqual(
    silent.map(({ type, option }) => `${type}.${option}`),
    [],
  );
  assert.ok(options.length > 90, `${options.length} options were found`);
});

for (const { type, option, byDefault = "none" } of options)
  test(`the default of ${type}.${option}, ${byDefault}, is accepted when it is given, as undefined is`, async () => {
    assert.deepEqual(await isolate.ask(`/default?${new URLSearchParams({ type, option, byDefault })}`), []);
  });
