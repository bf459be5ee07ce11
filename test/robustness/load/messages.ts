/** What a process of clients is to do. */
export interface Task {
  url: string;
  token: string;
  clients: number;
  ids: number;
  /** How long, in milliseconds. */
  duration: number;
}

/** A client is about to begin or end a critical section; it goes on once this is answered. */
export interface Step {
  step: number;
  kind: "enter" | "leave";
  id: string;
  lease: number;
}

/** What the clients of one process came to. */
export interface Tally {
  /** How often each outcome came. */
  outcomes: Record<string, number>;
  /** One message of each kind of error. */
  examples: Record<string, string>;
  /** From asking to holding, in milliseconds, of each that got it. */
  waits: number[];
  /** From asking to having released, likewise. */
  rounds: number[];
}
