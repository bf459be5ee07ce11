// What a program outside of Workers does with locks, in whatever runtime it is run: against the built package. It ends by
// itself, for an idle client keeps no process alive.
import { argv } from "node:process";
import { check, newId, playScenario } from "../../support/scenario.ts";

const built = new URL("../../../dist/client.js", import.meta.url).href;
const { connectLocks, isLockError, once, withLocks } = (await import(built)) as typeof import("../../../src/client.ts");
const [url = "", token = ""] = argv.slice(2);
const locks = connectLocks({ url, token });
await playScenario({ locks, tools: { isLockError, once, withLocks } });

const stranger = connectLocks({ url, token: "nobody-knows-this" }).lock("a");
const refusal: unknown = await stranger.isLocked().catch((error: unknown) => error);
check("a wrong token is refused", isLockError(refusal, "ACCESS_DENIED"));

// Kept on purpose: neither its ttl nor its connection is a reason to stay.
await locks.lock(newId("kept")).acquire(86_400_000);
console.log("all is well");
