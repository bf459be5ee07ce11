// One client process, with the shipped HTTP client: it works until it is told to finish or the driver is gone.
import { connectLocks } from "../../../src/client.ts";
import { fileJournal } from "./journal.ts";
import { operate } from "./operations.ts";
import { Resource } from "./resource.ts";

/** Operations that run at the same time. */
const SIDE_BY_SIDE = 6;

const [, , client = "", url = "", token = "", folder = ""] = process.argv;
const journal = fileJournal(folder, client);
using resource = new Resource(folder);
const finish = new AbortController();
process.once("message", () => finish.abort());
process.once("disconnect", () => process.exit(1));

/** What the driver learns: the outcome of an operation, or that a critical section began or ended. */
export type Message = string | 1 | -1;
const tell = (message: Message) => void process.send?.(message);
const world = { client, locks: connectLocks({ url, token }), journal, resource, onInside: tell };

async function work(): Promise<void> {
  while (!finish.signal.aborted) tell(await operate(world));
}

await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
process.disconnect();
process.exit(0);
