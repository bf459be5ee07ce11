import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, Failure } from "./exit-codes.ts";

/** How long the service of a process that was killed may take to end. */
const ENDS_WITHIN = 6_000;

/** The claim of one process to a folder. */
export interface Claim extends Disposable {
  /** The claim lasts until this process has gone too. */
  share(pid: number): void;
}

/**
 * Claims the storage for this process: two services on one storage would grant one lock twice.
 *
 * The claim of a process that was killed is taken over, once that process and its service have gone.
 */
export async function claimFolder(folder: string): Promise<Claim> {
  const file = join(folder, "pid");
  if (!write(file)) {
    const [owner = 0, ...others] = readFileSync(file, "utf8").trim().split("\n").map(Number);
    for (const since = performance.now(); others.some(isRunning) && performance.now() < since + ENDS_WITHIN;) {
      if (isRunning(owner)) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const pid = [owner, ...others].find(isRunning);
    if (pid !== undefined)
      throw new Failure(
        EXIT.config,
        `${folder} is in use by process ${pid}. If that is no durable-locks, delete ${file}.`,
      );
    rmSync(file, { force: true });
    if (!write(file)) throw new Failure(EXIT.config, `${folder} is in use by a process that has just started.`);
  }
  return {
    share: (pid) => appendFileSync(file, `${pid}\n`),
    [Symbol.dispose]: () => rmSync(file, { force: true }),
  };
}

function write(file: string): boolean {
  try {
    writeFileSync(file, `${process.pid}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
