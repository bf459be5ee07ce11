// One client process: operates until it is told to finish, or the driver is gone.
import { fileJournal } from "./journal.ts";
import { operate } from "./operations.ts";
import { Resource } from "./resource.ts";

/** Operations that run at the same time. */
const SIDE_BY_SIDE = 3;

const [, , client = "", origin = "", folder = ""] = process.argv;
const journal = fileJournal(folder, client);
using resource = new Resource(folder);
const finish = new AbortController();
process.once("message", () => finish.abort());
process.once("disconnect", () => process.exit(1));
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => {});

async function work(): Promise<void> {
  while (!finish.signal.aborted) process.send?.(await operate({ client, origin, journal, resource }));
}

await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
process.disconnect();
process.exit(0);
