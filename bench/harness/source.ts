import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** A version of this library's source. */
export interface Source {
  /** How its contestants are called. */
  library: string;
  /** The path of its `src`. */
  path: string;
}

export const CURRENT: Source = { library: "this library", path: join(ROOT, "src") };

/** The source at a commit, laid out in a folder. Its imports of packages find what is installed for today's source. */
export function sourceAt(commit: string, folder: string): Source {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: ROOT, maxBuffer: 1e9 });
  const short = git("rev-parse", "--short", `${commit}^{commit}`).toString().trim();
  const target = join(folder, short);
  mkdirSync(target);
  // With package.json, which tells the bundler that unused modules may be left out.
  execFileSync("tar", ["-x", "-C", target], { input: git("archive", commit, "src", "package.json") });
  return { library: `this library at ${short}`, path: join(target, "src") };
}
