import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Write } from "../history/records.ts";

/** What is written under a lease. */
type Written = Pick<Write, "resource" | "lock" | "client" | "lease" | "checked">;

/** How long a writer waits for another process that was stopped in the middle of a write. */
const BUSY = 10_000;

/** Outside of the lock: one SQLite database that checks fencing tokens, and a file for each lock that does not. */
export class Resource implements Disposable {
  readonly #folder: string;
  readonly #database: DatabaseSync;

  constructor(folder: string) {
    this.#folder = folder;
    this.#database = new DatabaseSync(join(folder, "fenced.sqlite"), { timeout: BUSY });
    this.#database.exec(`PRAGMA journal_mode = WAL;
      CREATE TABLE IF NOT EXISTS newest (resource TEXT PRIMARY KEY, lease INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS writes (place INTEGER PRIMARY KEY, accepted INTEGER NOT NULL, written TEXT NOT NULL)`);
  }

  /** Writes if no newer lease has; false if it is refused. */
  writeFenced(written: Written): boolean {
    this.#database.exec("BEGIN IMMEDIATE");
    const fence = this.#database.prepare(
      "INSERT INTO newest VALUES (?, ?) ON CONFLICT DO UPDATE SET lease = excluded.lease WHERE lease <= excluded.lease",
    );
    const accepted = fence.run(written.resource, written.lease).changes > 0;
    const write = this.#database.prepare("INSERT INTO writes (accepted, written) VALUES (?, ?)");
    write.run(accepted ? 1 : 0, JSON.stringify(written));
    this.#database.exec("COMMIT");
    return accepted;
  }

  /** Writes, even if another client has written since. */
  writeUnfenced(written: Written): void {
    appendFileSync(this.#file(written.resource), `${JSON.stringify(written)}\n`);
  }

  /** All writes as they were recorded. */
  read(resources: string[]): Write[] {
    const rows = this.#database.prepare("SELECT place, accepted, written FROM writes").all();
    const fenced = rows.map(({ place, accepted, written }): Write => {
      const what = JSON.parse(written as string) as Written;
      return { kind: "write", ...what, fenced: true, order: place as number, accepted: accepted === 1 };
    });
    return [...fenced, ...resources.flatMap((resource) => this.#readFile(resource))];
  }

  #readFile(resource: string): Write[] {
    const path = this.#file(resource);
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, "utf8").trim().split("\n");
    return lines.map((line, order) => {
      const what = JSON.parse(line) as Written;
      return { kind: "write", ...what, fenced: false, order, accepted: true };
    });
  }

  #file(resource: string): string {
    return join(this.#folder, `${resource}.lines`);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
