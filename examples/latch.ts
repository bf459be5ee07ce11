import { type DurableRendezvous, useLatch } from "durable-locks";

const importOf = (rendezvous: DurableObjectNamespace<DurableRendezvous>, id: string, parts: number) =>
  useLatch(rendezvous, `import:${id}`, { count: parts });

/** A queue consumer. A part that is delivered twice counts once. */
export async function importPart(
  rendezvous: DurableObjectNamespace<DurableRendezvous>,
  { id, part, parts }: { id: string; part: number; parts: number },
  load: (part: number) => Promise<void>,
): Promise<number> {
  await load(part);
  return importOf(rendezvous, id, parts).countDown({ requestId: `part ${part}` });
}

/** Waits until all parts are loaded, then shows the import. */
export async function publish(
  rendezvous: DurableObjectNamespace<DurableRendezvous>,
  { id, parts }: { id: string; parts: number },
  show: () => Promise<void>,
): Promise<void> {
  await importOf(rendezvous, id, parts).wait({ wait: 600_000 });
  await show();
}
