import { createRequire } from "node:module";
import { join } from "node:path";
import { EXIT, Failure } from "../terminal/exit-codes.ts";

/** The ways from a project to workerd. Each package is resolved as the package before it would resolve it. */
const WAYS = [["wrangler", "miniflare"], ["miniflare"], []] as const;

/**
 * The workerd of the first project among the folders that has one. It is the same that its wrangler or miniflare would
 * start.
 *
 * `dev` runs workerd without them: it needs only the binary, and their interfaces change with every major version.
 */
export function findWorkerd(folders: readonly string[]): string {
  for (const folder of folders)
    for (const way of WAYS) {
      const found = follow(folder, way);
      if (found !== undefined) return found;
    }
  throw new Failure(
    EXIT.config,
    "`dev` runs the service on workerd, which is not installed here: `npm install --save-dev wrangler` (or miniflare).",
  );
}

function follow(folder: string, way: readonly string[]): string | undefined {
  try {
    let from = createRequire(join(folder, "package.json"));
    for (const name of way) from = createRequire(from.resolve(name));
    return (from("workerd") as { default: string }).default;
  } catch (error) {
    if (["MODULE_NOT_FOUND", "ERR_PACKAGE_PATH_NOT_EXPORTED"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw new Failure(EXIT.config, `The workerd of ${folder} can't be loaded: ${(error as Error).message}`);
  }
}
