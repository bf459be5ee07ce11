import { type DurableLock, type HeldLease, useReadWriteLock } from "durable-locks";

/** Where the catalogue is kept. */
export interface Catalogue {
  /** Returns its text, or undefined if it must be rebuilt. */
  read(): Promise<string | undefined>;
  /** Rebuilds it, fenced by the token. */
  rebuild(fencingToken: number): Promise<void>;
}

/** Any number of callers read at a time. A caller that finds the catalogue stale rebuilds it alone; the others wait. */
export async function readCatalogue(
  locks: DurableObjectNamespace<DurableLock>,
  id: string,
  catalogue: Catalogue,
): Promise<string> {
  const { read, write, downgrade, upgrade } = useReadWriteLock(locks, id);

  const text = await read.withLock(async (held) => {
    const found = await catalogue.read();
    // An upgrade is refused while there are other readers: two upgrades would wait for each other forever.
    return found ?? ((await upgrade(held)) ? await rebuild(held) : undefined);
  });
  if (text !== undefined) return text;

  return write.withLock(async (held) => {
    // Another caller may have rebuilt it between the two locks.
    if ((await catalogue.read()) === undefined) await catalogue.rebuild(held.lease);
    await downgrade(held); // other readers come in while this one continues to read
    return (await catalogue.read()) ?? "";
  });

  async function rebuild(held: HeldLease): Promise<string> {
    await catalogue.rebuild(held.lease);
    return (await catalogue.read()) ?? "";
  }
}
