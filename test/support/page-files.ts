import { readFile } from "node:fs/promises";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** The files that a page of the docs shows, each below a line that ends with its name, word for word. */
export async function filesOf(page: string): Promise<Record<string, string>> {
  const text = await readFile(join(ROOT, "docs", page), "utf8");
  const found = [...text.matchAll(/`([\w./-]+)`:\n\n```\w+\n(.*?)```/gs)];
  return Object.fromEntries(found.map(([, name = "", content = ""]) => [name, content]));
}

/** The shell commands that a page of the docs shows, a line each. */
export async function commandsOf(page: string): Promise<string[]> {
  const text = await readFile(join(ROOT, "docs", page), "utf8");
  return [...text.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = ""]) => block.trim().split("\n"));
}
