import { cp, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import type * as Wrangler from "wrangler";
import { layOutUsage, tryOutConfig } from "../usage.ts";
import { TODAY, folderOf, run } from "./project.ts";

test("The README's Usage works in the project that create-cloudflare makes.", async () => {
  const project = await folderOf("usage");
  await cp(join(import.meta.dirname, "template"), project, { recursive: true });
  await layOutUsage(project);
  // A reader who follows the README keeps the date of the template.
  const config = join(project, "wrangler.jsonc");
  const dated = (await readFile(config, "utf8")).replace(
    /"compatibility_date": "[\d-]+"/,
    `"compatibility_date": "${TODAY}"`,
  );
  await writeFile(config, dated);
  await run(project, "npx", "wrangler", "types");
  await run(project, "npx", "tsc");
  await run(project, "npx", "wrangler", "deploy", "--dry-run", "--outdir", "dist");
  const { createTestHarness } = createRequire(config)("wrangler") as typeof Wrangler;
  await tryOutConfig(createTestHarness, config);
});
