import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isCurrent } from "../../bench/report/page.ts";
import { SECTIONS } from "../../bench/sections/all.ts";

const ROOT = join(import.meta.dirname, "../..");
const page = readFileSync(join(ROOT, "docs/benchmarks.md"), "utf8");

test("docs/benchmarks.md shows the figures of bench/results/baseline.json.", () => {
  assert.ok(isCurrent(), "run `npm run bench -- --page`");
});

test("docs/benchmarks.md has a part for each section of the suite.", () => {
  const shown = new Set([...page.matchAll(/<!-- figures: ([\w-]+) -->/g)].map(([, name]) => name));
  assert.deepEqual(
    SECTIONS.filter(({ name }) => !shown.has(name)).map(({ name }) => name),
    [],
  );
});

test("The stored run names no host and no path.", () => {
  const stored = readFileSync(join(ROOT, "bench/results/baseline.json"), "utf8");
  assert.doesNotMatch(stored, /\/(home|root|tmp|work|Users)\b|localhost/);
});
