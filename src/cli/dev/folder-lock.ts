import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type ProcessIdentity, identify, stateOf } from "../supervisor/process-identity.ts";
import { EXIT, Failure } from "../terminal/exit-codes.ts";

/** How long a process may take to end after SIGKILL, in milliseconds. */
const ENDS_WITHIN = 6_000;

/** If two processes lock the file at the same moment, both can fail. Each keeps trying for this many milliseconds. */
const TRIES_FOR = 1_000;

/** What SQLite answers when another connection has the lock. */
const LOCKED = 5;

/** This process's claim to a folder. */
export interface FolderLock extends Disposable {
  /**
   * Records the process that is going to serve the storage; false if it has ended. Let that process open the storage
   * only after this call. Otherwise, if `dev` is killed in between, an unrecorded service keeps running.
   */
  record(pid: number): boolean;
}

/**
 * Claims the storage for this process: two services on one storage would grant one lock twice.
 *
 * The claim is the lock of a SQLite file. The system releases it when this process ends, however it ends. The service
 * can outlive this process, so the same file records which process serves the storage. The next owner ends that process
 * before it continues.
 *
 * @throws `Failure` if another `dev` has the folder, or if its service can't be ended or can't be seen from here.
 */
export async function claimFolder(folder: string): Promise<FolderLock> {
  const owner = join(folder, "pid");
  const database = lock(folder, owner);
  writeFileSync(owner, `${process.pid}\n`);
  const claim: FolderLock = {
    record: (pid) => {
      const service = identify(pid);
      if (service) write(database, service);
      return service !== undefined;
    },
    [Symbol.dispose]: () => {
      const service = read(database);
      if (service && stateOf(service) === "ended") database.exec("DELETE FROM service");
      rmSync(owner, { force: true });
      database.close();
    },
  };
  try {
    await endService(database, folder);
    return claim;
  } catch (error) {
    claim[Symbol.dispose]();
    throw error;
  }
}

/** Opens and locks the file of the claim. The lock outlasts each transaction, so no other process gets in between. */
function lock(folder: string, owner: string): DatabaseSync {
  const file = join(folder, "claim.sqlite");
  const database = open(file);
  try {
    database.exec(`PRAGMA busy_timeout = ${TRIES_FOR}; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;
      CREATE TABLE IF NOT EXISTS service (id INTEGER PRIMARY KEY, pid INTEGER, boot TEXT, namespace TEXT, started TEXT);
      COMMIT`);
    return database;
  } catch (error) {
    database.close();
    // The lowest byte is the primary result code; the higher bytes only refine it.
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === LOCKED) throw inUse(folder, `by ${ownerIn(owner)}`);
    throw new Failure(
      EXIT.config,
      `${file} can't be locked: ${(error as Error).message}. If no service runs on this folder, delete the file.`,
    );
  }
}

function open(file: string): DatabaseSync {
  const emitWarning: unknown = Reflect.get(process, "emitWarning");
  // Node warns that SQLite is experimental; the user can do nothing about that.
  process.emitWarning = () => {};
  try {
    return new (process.getBuiltinModule("node:sqlite").DatabaseSync)(file);
  } catch (error) {
    throw new Failure(EXIT.config, `${file} can't be opened: ${(error as Error).message}.`);
  } finally {
    Reflect.set(process, "emitWarning", emitWarning);
  }
}

/** Ends the service that a killed `dev` has left behind. */
async function endService(database: DatabaseSync, folder: string): Promise<void> {
  const service = read(database);
  if (!service) return;
  for (const since = performance.now(); stateOf(service) !== "ended";) {
    if (performance.now() > since + ENDS_WITHIN) throw cantEnd(folder, service);
    // SIGKILL loses nothing: what the service has confirmed is on disk.
    if (stateOf(service) === "running") kill(service.pid);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // The process has ended, or it belongs to another user: the next look at it shows which.
  }
}

function cantEnd(folder: string, { pid, namespace }: ProcessIdentity): Failure {
  const where = namespace === "" ? "" : ` in ${namespace}`;
  const file = join(folder, "claim.sqlite");
  return inUse(
    folder,
    `by process ${pid}${where}, the service of a \`dev\` that was killed. It can't be ended from here: end it yourself. ` +
      `If that process is another one, or its container has ended, delete ${file}`,
  );
}

function read(database: DatabaseSync): ProcessIdentity | undefined {
  const row = database.prepare("SELECT pid, boot, namespace, started FROM service").get();
  if (!row) return undefined;
  const { pid, boot, namespace, started } = row;
  return { pid: Number(pid), boot: String(boot), namespace: String(namespace), started: String(started) };
}

function write(database: DatabaseSync, { pid, boot, namespace, started }: ProcessIdentity): void {
  const row = database.prepare("REPLACE INTO service (id, pid, boot, namespace, started) VALUES (1, ?, ?, ?, ?)");
  row.run(pid, boot, namespace, started);
}

/** The owner according to the file, for messages only: the owner may not have written it yet, or may have ended. */
function ownerIn(file: string): string {
  try {
    return `process ${readFileSync(file, "utf8").trim()}`;
  } catch {
    return "a process that has just started";
  }
}

function inUse(folder: string, why: string): Failure {
  return new Failure(EXIT.config, `${folder} is in use ${why}.`);
}
