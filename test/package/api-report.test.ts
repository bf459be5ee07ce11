import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { changedNames, withoutDocs } from "../../tools/api-report.ts";

const END = "```\n";
const TAKE = "// @public\nexport function take(id: string): void;\n\n";
const OVERLOAD = "// @public\nexport function take(id: number): void;\n\n";
const OPTIONS = "// @public\nexport interface Options {\n    owner?: string;\n}\n\n";
const HANDLE = "// @public\nexport class Handle {\n    end(): void;\n}\n\n";

void test("a docstring that is added does not change the report.", () => {
  const undocumented = HANDLE.replace("@public", "@public (undocumented)").replace(
    "    end",
    "    // (undocumented)\n    end",
  );
  equal(withoutDocs(undocumented), HANDLE);
  equal(withoutDocs(`${TAKE}// (No @packageDocumentation comment for this package)\n\n${END}`), TAKE + END);
});

void test("line ends of Windows are not a difference.", () => {
  equal(withoutDocs(TAKE.replaceAll("\n", "\r\n")), TAKE);
});

void test("a renamed option, a new name, a lost name and an overload are each named.", () => {
  deepEqual(changedNames(TAKE + OPTIONS, TAKE + OPTIONS), []);
  deepEqual(changedNames(TAKE + OPTIONS, TAKE + OPTIONS.replace("owner", "ownerName")), ["changed: Options"]);
  deepEqual(changedNames(TAKE + END, TAKE + OPTIONS + END), ["new: Options"]);
  deepEqual(changedNames(TAKE + HANDLE, TAKE), ["gone: Handle"]);
  deepEqual(changedNames(TAKE, TAKE + OVERLOAD), ["changed: take"]);
});
