import { type Late, type Pause, type Section, type Violation, type Write, groupBy } from "./records.ts";

/** What is known of the holders of a resource. */
interface Holders {
  sections: Section[];
  late: Late[];
  pauses: Pause[];
}

/** Accepted lease numbers never go down at a fenced resource; at another one only by a step that is known to be late. */
export function checkWrites(writes: Write[], holders: Holders): Violation[] {
  const resources = groupBy(writes, ({ resource }) => resource);
  return Array.from(resources.values(), (group) => checkResource(group, holders)).flat();
}

function checkResource(writes: Write[], holders: Holders): Violation[] {
  const violations: Violation[] = [];
  let newest: Write | undefined;
  for (const write of writes.toSorted((a, b) => a.order - b.order)) {
    const { lock, lease, accepted, fenced } = write;
    const isStale = newest !== undefined && lease < newest.lease;
    const records = newest ? [newest, write] : [write];
    const report = (message: string) => violations.push({ guarantee: "fence", lock, message, records });
    if (fenced && accepted && isStale)
      report(`A write under lease ${lease} was accepted after one under ${newest?.lease}.`);
    if (!accepted && !isStale) report(`A write under lease ${lease} was refused though no newer lease had written.`);
    if (!fenced && isStale && !isExplained(write, holders))
      report(`A write under lease ${lease} came after one under ${newest?.lease}, and nothing had delayed it.`);
    if (accepted && !isStale) newest = write;
  }
  return violations;
}

function isExplained({ client, lease, checked }: Write, { sections, late, pauses }: Holders): boolean {
  const isRecorded = sections.some(
    (section) =>
      section.client === client && section.lease === lease && section.steps.some((step) => step.checked === checked),
  );
  if (isRecorded) return late.some(({ section, step }) => section.client === client && step.checked === checked);
  // Its process was killed between the write and the record of it: then only a pause explains it.
  return pauses.some((pause) => pause.client === client && pause.to >= checked);
}
