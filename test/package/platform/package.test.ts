import assert from "node:assert/strict";
import { test } from "node:test";
import { TODAY, folderOf } from "./project.ts";
import { DOORS, layOutTests, runTests, testsOfDoors } from "./suite.ts";

test("The installed package passes every test that needs only its public doors.", async (context) => {
  const doors = Object.entries(DOORS).map(([entry, file]) => [`src/${file}.ts`, `export * from "${entry}";\n`]);
  const folder = await layOutTests("package", TODAY);
  await folderOf("package", {
    ...Object.fromEntries(doors),
    // The tests' Worker takes it from where it is written, which costs each file less time than the service's door.
    "src/object/lock-index.ts": 'export { LockIndex } from "durable-locks/service";\n',
  });
  const chosen = await testsOfDoors();
  const { files, tests } = await runTests(folder, chosen);
  context.diagnostic(`${tests} tests in ${files} files passed`);
  assert.equal(files, chosen.length);
  assert.ok(files > 60, `${files} files need only the doors`);
});
