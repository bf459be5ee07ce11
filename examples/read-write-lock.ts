import { type DurableLock, type HeldLease, useReadWriteLock } from "durable-locks";

/** Where the catalogue is kept. */
export interface Catalogue {
  /** Its text, or undefined if it must be built again. */
  read(): Promise<string | undefined>;
  /** Builds it again, guarded by the fencing token. */
  rebuild(fencingToken: number): Promise<void>;
}

/** Any number read at a time. Whoever finds the catalogue stale rebuilds it alone, and the others wait for that. */
export async function readCatalogue(
  locks: DurableObjectNamespace<DurableLock>,
  id: string,
  catalogue: Catalogue,
): Promise<string> {
  const { read, write, downgrade, upgrade } = useReadWriteLock(locks, id);

  const text = await read.withLock(async (held) => {
    const found = await catalogue.read();
    // With other readers about, the upgrade is refused: two that insisted would wait for each other forever.
    return found ?? ((await upgrade(held)) ? await rebuild(held) : undefined);
  });
  if (text !== undefined) return text;

  return write.withLock(async (held) => {
    // Somebody else may have rebuilt it between the two locks.
    if ((await catalogue.read()) === undefined) await catalogue.rebuild(held.lease);
    await downgrade(held); // other readers come in while this one reads on
    return (await catalogue.read()) ?? "";
  });

  async function rebuild(held: HeldLease): Promise<string> {
    await catalogue.rebuild(held.lease);
    return (await catalogue.read()) ?? "";
  }
}
