import { expect, it } from "vitest";
import page from "../../../docs/correctness.md?raw";

declare global {
  interface ImportMeta {
    glob: (patterns: string[], options: { query: string; import: string; eager: true }) => Record<string, string>;
  }
}

const sources = import.meta.glob(["./*.test.ts", "../../cli/field.test.ts", "!./table.test.ts"], {
  query: "?raw",
  import: "default",
  eager: true,
});

/** The threads that the tests replay. */
const replayed = Object.values(sources).flatMap((source) =>
  [...source.matchAll(/\bdescribe\("([^"]+(?:#\d+|, run|, read))"/g)].map(([, thread]) => thread),
);

const [, section = ""] = page.split("## Bugs of others, tried here\n");
const rows = [
  ...(section.split("\n## ")[0] ?? "").matchAll(/^\| \[(.+?)\]\(.+?\): .+? \| `test\/(.+?)`: (.+?) \|/gm),
].map(([, thread, file, title]) => ({ thread, file, title }));

it("the page lists every replay, and nothing that is not replayed", () => {
  expect(new Set(rows.map(({ thread }) => thread))).toEqual(new Set(replayed));
});

it("each row of the page names a test that there is", () => {
  for (const { thread, file, title } of rows) {
    const path = file?.startsWith("cli/")
      ? `../../${file}.test.ts`
      : `./${file?.replace("integration/field/", "")}.test.ts`;
    expect(sources[path], path).toContain(`describe("${thread}"`);
    expect(sources[path], path).toContain(`"${title}"`);
  }
  expect(rows.length).toBeGreaterThan(25);
});
