import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** Puts the package as `npm run build` has packed it into a folder; gives the name of the file. */
export async function copyTarball(folder: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as { version: string };
  const tarball = `durable-locks-${version}.tgz`;
  await copyFile(join(ROOT, ".wrangler", tarball), join(folder, tarball)).catch((cause: unknown) => {
    throw new Error("The tarball is missing: run `npm run build` first.", { cause });
  });
  return tarball;
}
