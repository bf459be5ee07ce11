// What a program outside of Workers does with locks in any runtime, against the built package. It ends without an exit
// call, because an idle client does not keep the process alive.
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

// Not released, on purpose: neither the ttl nor the connection may keep the process alive.
await locks.lock(newId("held")).acquire(86_400_000);
console.log("all is well");
