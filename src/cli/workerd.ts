import { createRequire } from "node:module";
import { join } from "node:path";
import { EXIT, Failure } from "./exit-codes.ts";

/** The ways from a project to workerd: each package is resolved as the one before would resolve it. */
const WAYS = [["wrangler", "miniflare"], ["miniflare"], []] as const;

/**
 * The workerd of the project in `folder`: the very one that its wrangler or miniflare would start.
 *
 * Run without them: it needs nothing of theirs but the binary, and their interfaces change with every major version.
 */
export function findWorkerd(folder: string): string {
  for (const way of WAYS) {
    try {
      let from = createRequire(join(folder, "package.json"));
      for (const name of way) from = createRequire(from.resolve(name));
      return (from("workerd") as { default: string }).default;
    } catch (error) {
      if (!["MODULE_NOT_FOUND", "ERR_PACKAGE_PATH_NOT_EXPORTED"].includes((error as NodeJS.ErrnoException).code ?? ""))
        throw new Failure(EXIT.config, `The workerd of this project can't be loaded: ${(error as Error).message}`);
    }
  }
  throw new Failure(
    EXIT.config,
    "`dev` runs the service on workerd, which is not installed here: `npm install --save-dev wrangler` (or miniflare).",
  );
}
