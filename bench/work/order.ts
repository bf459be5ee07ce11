/** What a contestant does in one round, and how much of it. It is sent to a Worker or to a process. */
export interface Order {
  /** Which way to reach the lock, if the receiver knows several. */
  way: string;
  work: WorkName;
  /** The lock's id. Each round has a new one, so that rounds do not share state. */
  id: string;
  /** How many callers want the lock at the same time. */
  callers: number;
  /** For how many milliseconds to work. A fixed count would take minutes for the slow, and be too short for the fast. */
  box: number;
  /** Whether to count requests. Counting wraps every stub, so such a round is not timed. */
  counted: boolean;
}

export type WorkName =
  | "pair"
  | "withLock"
  | "refused"
  | "renew"
  | "ids"
  | "once"
  | "returning"
  | "clients"
  | "empty"
  | "write";

/** What one round has measured: a value for each metric. */
export type Sample = Record<string, number>;

const NOTHING: Omit<Order, "way" | "work" | "id"> = { callers: 1, box: 0, counted: false };

export function orderOf(work: WorkName, size: Partial<Order>): Order {
  return { ...NOTHING, way: "", work, id: crypto.randomUUID(), ...size };
}
