import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { OLDEST, ROOT, TODAY } from "./project.ts";
import { DOORS, layOutTests, runTests } from "./suite.ts";

async function layOutSource(name: string, date: string): Promise<string> {
  const doors = Object.entries(DOORS).map(([entry, file]) => [entry, `/src/${file}.ts`]);
  const folder = await layOutTests(name, date, Object.fromEntries(doors));
  await cp(join(ROOT, "src"), join(folder, "src"), { recursive: true });
  return folder;
}

test("The contract, the object and the toolkit pass their tests at today's compatibility date.", async (context) => {
  const { files, tests } = await runTests(await layOutSource("source", TODAY), [
    "test/contract/",
    "test/unit/object/",
    "test/integration/toolkit/",
  ]);
  context.diagnostic(`${tests} tests in ${files} files passed at ${TODAY}`);
  assert.ok(tests > 1_000, `${tests} tests ran`);
});

test("Exclusion, queue, clean-up, exit watch and once pass their tests at the oldest date that works.", async (context) => {
  const subset = [
    "unit/object/exclusion",
    "unit/object/queue",
    "unit/object/cleanup",
    "integration/toolkit/release-on-exit.test",
    "integration/toolkit/once.test",
  ];
  const folder = await layOutSource("oldest", OLDEST);
  const { files, tests } = await runTests(
    folder,
    subset.map((name) => `test/${name}`),
  );
  context.diagnostic(`${tests} tests in ${files} files passed at ${OLDEST}`);
  assert.equal(files, subset.length);
});
