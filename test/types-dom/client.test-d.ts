import { type Lock, connectLocks, once } from "../../src/client.ts";

// A browser knows nothing of Cloudflare's types, and the client must not ask for them.
const { lock, semaphore } = connectLocks({ url: location.origin, token: "…" });
const nightly: Lock = lock("nightly");
const held: Promise<number> = nightly.withLock(({ lease }) => lease);
const kept: Promise<string> = once(nightly, () => "done");
void [held, kept, semaphore("gpu", { permits: 2 }).withPermits(1, () => {})];
// @ts-expect-error a token is needed
connectLocks({ url: location.origin });
