import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");
const TARBALL = join(import.meta.dirname, "../../support/fixtures/durable-locks-0.1.0.tgz");

/** A built package. */
export interface Package extends Disposable {
  /** Where its files are. */
  dist: string;
}

/** Today's, which `npm run build` makes. */
export const today: Package = { dist: join(ROOT, "dist"), [Symbol.dispose]: () => {} };

/** The package from before protocols had numbers, unpacked inside this project so that it finds its dependency. */
export function unpackFirst(): Package {
  mkdirSync(join(ROOT, ".wrangler"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".wrangler/packed-"));
  execFileSync("tar", ["-xzf", TARBALL, "-C", folder]);
  return {
    dist: join(folder, "package/dist"),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
