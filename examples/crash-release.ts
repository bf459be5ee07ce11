import { type DurableLock, useDurableLock } from "durable-locks";

/** Where the parts of an import are stored. It refuses a fence that is lower than the highest it has seen. */
export interface Warehouse {
  /** Stores a part. Returns false, and changes nothing, if a later import has already stored one. */
  store(part: string, fence: number): Promise<boolean>;
}

/** Imports the parts in order. Only one import runs at a time; if it dies midway, the next begins at once. */
export async function importParts(
  locks: DurableObjectNamespace<DurableLock>,
  warehouse: Warehouse,
  tenant: string,
  parts: readonly string[],
): Promise<void> {
  const { withLock } = useDurableLock(locks, `import:${tenant}`);
  await withLock(
    async ({ lease, signal }) => {
      for (const part of parts) {
        signal.throwIfAborted();
        if (!(await warehouse.store(part, lease))) throw new Error(`A later import of ${tenant} has taken over.`);
      }
    },
    // A long ttl needs few renewals, and with releaseOnExit no caller waits for its end when this Worker dies.
    { ttl: 600_000, wait: 60_000, releaseOnExit: true },
  );
}
