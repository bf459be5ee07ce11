import { appendFileSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Entry } from "../history/records.ts";
import type { Journal } from "../history/recorder.ts";

const ENDING = ".journal";

/** One clock for all processes of a machine, in milliseconds, which goes on while a process is stopped. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** A journal of one process, which survives its being killed: each line is an entry, or adds to an earlier one. */
export function fileJournal(folder: string, client: string): Journal {
  const path = join(folder, client + ENDING);
  let entries = 0;
  const append = (n: number, fields: object) => appendFileSync(path, `${JSON.stringify([n, fields])}\n`);
  return {
    now,
    open: (entry) => {
      const n = (entries += 1);
      append(n, entry);
      return (more) => append(n, more);
    },
  };
}

/** What all processes wrote down. */
export function readJournals(folder: string): Entry[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(ENDING));
  return names.flatMap((name) => {
    const entries = new Map<number, object>();
    for (const line of readFileSync(join(folder, name), "utf8").split("\n")) {
      if (line === "") continue;
      const [n, fields] = JSON.parse(line) as [number, object];
      entries.set(n, { ...entries.get(n), ...fields });
    }
    return [...entries.values()] as Entry[];
  });
}
