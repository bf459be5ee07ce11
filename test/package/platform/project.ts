import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyTarball } from "../tarball.ts";

export const ROOT = join(import.meta.dirname, "../../..");

/** The compatibility date that the template has today. */
export const TODAY = dateOf(await readFile(join(import.meta.dirname, "template/wrangler.jsonc"), "utf8"));

/** The oldest on which the object answers calls. */
export const OLDEST = "2024-04-03";

function dateOf(config: string): string {
  const date = /"compatibility_date": "([\d-]+)"/.exec(config)?.[1];
  if (date === undefined) throw new Error("The template names no compatibility date.");
  return date;
}

/**
 * A folder outside the repository, where today's tools and the packed package are installed.
 *
 * Outside, because from within Node would find what the repository has installed.
 */
export async function layOut(): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), "durable-locks-platform-"));
  for (const file of ["package.json", "package-lock.json", ".npmrc"])
    await cp(join(import.meta.dirname, file), join(project, file));
  const tarball = await copyTarball(project);
  await run(project, "npm", "ci", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error");
  await run(project, "npm", "install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error", `./${tarball}`);
  return project;
}

/** The folder that `main.ts` has laid out. */
export function laidOut(): string {
  const project = process.env["PROJECT"];
  if (project === undefined) throw new Error("Run these tests by `npm run test:platform`.");
  return project;
}

/** Makes a folder of the project for one test, with the given files. */
export async function folderOf(name: string, files: Record<string, string> = {}): Promise<string> {
  const folder = join(laidOut(), name);
  await mkdir(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    await mkdir(join(folder, file, ".."), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  return folder;
}

/** Runs a program to its end, and fails with what it printed if it fails. */
export async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false" };
  // Without it Node's test runner takes a program that is started by a test for one of its own.
  delete (env as NodeJS.ProcessEnv)["NODE_TEST_CONTEXT"];
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += String(data)));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${[command, ...args].join(" ")} ended with ${code}:\n${output}`);
  return output;
}
