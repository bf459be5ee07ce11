/** What the Worker that looks at one object can be asked for. */
export type ObjectCall =
  | { call: "crowded"; kind: "holders" | "waiters"; sizes: number[]; rounds: number; box: number; followed: boolean }
  | { call: "seed"; id: string; slots: number; uses: number }
  | { call: "start" | "acquire"; id: string }
  | { call: "release"; id: string; lease: number };
