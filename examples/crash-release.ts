import { type DurableLock, fenceStorage, useDurableLock } from "durable-locks";

/** A step that others wait for by the second: if this Worker crashes, they get on at once and not after the ttl. */
export async function checkOut(
  locks: DurableObjectNamespace<DurableLock>,
  cart: string,
  charge: (fencingToken: number) => Promise<string>,
): Promise<string> {
  await using held = await useDurableLock(locks, cart).hold({ bound: true, wait: 5_000 });
  // A cut connection looks like a death: the number lets the resource refuse what comes too late.
  return await charge(held.lease);
}

/** The resource, a Durable Object with storage of its own, refuses a charge under an older lease. */
export function recordCharge(storage: DurableObjectStorage, lease: number, receipt: string): void {
  fenceStorage(storage, "charges", lease, () => storage.kv.put(`charge:${lease}`, receipt));
}
