/** What a lease takes; in JSON there is no `Infinity`, so a capacity without limit is null. */
export interface HistoryClaim {
  exclusive: boolean;
  permits: number;
  capacity: number | null;
}

/** One call to a lock, repetitions apart. All times in a history are milliseconds of one clock. */
interface Call {
  lock: string;
  client: string;
  requestId: string;
  /** Before it left. */
  invoked: number;
  /** After its answer arrived; absent if none came, or a fault: then it is unknown whether and when it took effect. */
  answered?: number;
  /** The reason of a refusal; absent in an answer means yes. */
  refused?: string;
}

export interface Acquire extends Call {
  kind: "acquire";
  claim: HistoryClaim;
  ttl: number;
  lease?: number;
  /** How long the lease is good from when the call reached the object. */
  validFor?: number;
}

export interface Renew extends Call {
  kind: "renew";
  lease: number;
  ttl: number;
  validFor?: number;
}

export interface Release extends Call {
  kind: "release";
  lease: number;
}

export interface Cancel extends Call {
  kind: "cancel";
}

/** One step of a critical section. */
export interface Step {
  /** Just before the holder looked whether it still holds the lock, and saw that it does. */
  checked: number;
  /** When the step was done. */
  at: number;
}

/** Work under a lease. */
export interface Section {
  kind: "section";
  lock: string;
  client: string;
  lease: number;
  /** Whether all that it writes is fenced: then a step that comes late does no harm. */
  fenced: boolean;
  entered: number;
  steps: Step[];
  /** When the work ended. */
  left?: number;
  /** When the signal fired. */
  lost?: number;
  /** What its caller was told; both `fulfilled` and `unconfirmed` (RELEASE_FAILED) say that the work was protected. */
  settled?: "fulfilled" | "unconfirmed" | "lost" | "failed";
}

/** A write to an external resource, as the resource itself recorded it. */
export interface Write {
  kind: "write";
  resource: string;
  lock: string;
  client: string;
  lease: number;
  fenced: boolean;
  /** Its position among all writes to the resource. */
  order: number;
  accepted: boolean;
  /** As in `Step`. */
  checked: number;
}

/** One run of a job that is to run once. */
export interface Run {
  kind: "run";
  key: string;
  client: string;
  lease: number;
  began: number;
  /** When it had its value, which is another for each run. */
  ended?: number;
  value?: string;
}

/** A call for the result of such a job. */
export interface Asked {
  kind: "asked";
  key: string;
  client: string;
  retain: number;
  invoked: number;
  answered?: number;
  /** The result that it was given; absent if it was given none. */
  value?: string;
}

/** A time in which a client's process was stopped. */
export interface Pause {
  kind: "pause";
  client: string;
  from: number;
  to: number;
}

export type Entry = Acquire | Renew | Release | Cancel | Section | Write | Run | Asked | Pause;

/** What happened, in any order. */
export type History = readonly Entry[];

/** Something that no correct lock could have done. */
export interface Violation {
  /** Of the README's guarantees, or what else is promised. */
  guarantee: "G1" | "G2" | "G3" | "G5" | "G6" | "G7" | "fence" | "once";
  lock: string;
  message: string;
  records: Entry[];
}

/** A step that came after another holder's grant, because its process stood still after it had looked. */
export interface Late {
  /** Stopped on purpose, or stalled by a busy machine. */
  why: "paused" | "stalled";
  section: Section;
  step: Step;
}

/** Entries of one kind. */
export function ofKind<K extends Entry["kind"]>(history: History, kind: K): Extract<Entry, { kind: K }>[] {
  return history.filter((entry): entry is Extract<Entry, { kind: K }> => entry.kind === kind);
}

/** Entries by what `keyOf` says of them. */
export function groupBy<T>(entries: Iterable<T>, keyOf: (entry: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const entry of entries) {
    const key = keyOf(entry);
    const group = groups.get(key);
    if (group) group.push(entry);
    else groups.set(key, [entry]);
  }
  return groups;
}

export const isGranted = (call: Acquire | Renew | Release): boolean =>
  call.answered !== undefined && call.refused === undefined;
