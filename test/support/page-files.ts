import { readFile } from "node:fs/promises";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** The files that a page of the docs shows, word for word. Each follows a line that ends with its name. */
export async function filesOf(page: string): Promise<Record<string, string>> {
  const text = await readFile(join(ROOT, "docs", page), "utf8");
  const found = [...text.matchAll(/`([\w./-]+)`:\n\n```\w+\n(.*?)```/gs)];
  return Object.fromEntries(found.map(([, name = "", content = ""]) => [name, content]));
}

/** The shell commands that a page of the docs shows, one per line. */
export async function commandsOf(page: string): Promise<string[]> {
  const text = await readFile(join(ROOT, "docs", page), "utf8");
  return [...text.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = ""]) => block.trim().split("\n"));
}
