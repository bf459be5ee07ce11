import type { WebLockManager } from "durable-locks";

/** Written for `navigator.locks`. It also runs with `webLocks()` of `bindLocks(env.DURABLE_LOCK)`. */
export async function refresh(
  locks: Pick<WebLockManager, "request">,
  token: { get(): string | undefined; renew(): Promise<void> },
): Promise<string | undefined> {
  const fresh = await locks.request("token", { mode: "shared" }, () => token.get());
  if (fresh !== undefined) return fresh;
  return locks.request("token", async () => {
    if (token.get() === undefined) await token.renew();
    return token.get();
  });
}
