import type { Conditions } from "./network.ts";
import { Random } from "./random.ts";

/** What a caller does once. */
export interface PlannedJob {
  kind:
    | "withLock"
    | "tryWithLock"
    | "hold"
    | "poll"
    | "raw"
    | "permits"
    | "read"
    | "write"
    | "both"
    | "once"
    | "lead"
    | "force";
  /** The pause before it, in milliseconds. */
  after: number;
  lock: number;
  ttl: number;
  wait: number;
  /** How many steps its work has, and how long each takes at most. */
  steps: number;
  stepFor: number;
  abortAfter: number | undefined;
  releaseOnExit: boolean;
  minHold: number | undefined;
  maxHold: number | undefined;
  lockDelay: number;
  permits: number;
  fails: boolean;
}

export interface CallerPlan {
  name: string;
  rate: number;
  jobs: PlannedJob[];
}

export type Fault =
  | { kind: "crash" | "evict" | "alarm"; at: number; lock: number }
  | { kind: "split"; at: number; lock: number; during: number }
  | { kind: "step"; at: number; lock: number; by: number }
  | { kind: "stall"; at: number; lock: number; during: number }
  | { kind: "pause" | "cut"; at: number; caller: number; during: number }
  | { kind: "kill"; at: number; caller: number };

/** Everything that is decided beforehand: plain data, so that a failure can be shrunk by leaving parts out. */
export interface Plan {
  seed: string;
  locks: number;
  /** When the last fault has ended. */
  faultsUntil: number;
  conditions: Conditions;
  callers: CallerPlan[];
  faults: Fault[];
}

const KINDS: PlannedJob["kind"][] = [
  "withLock",
  "withLock",
  "withLock",
  "tryWithLock",
  "hold",
  "poll",
  "raw",
  "permits",
  "read",
  "write",
  "both",
  "once",
  "lead",
  "force",
];
const FAULTS: Fault["kind"][] = [
  "crash",
  "crash",
  "evict",
  "alarm",
  "split",
  "split",
  "step",
  "stall",
  "pause",
  "pause",
  "cut",
  "cut",
  "kill",
];
const TTLS = [100, 300, 1_000, 3_000, 10_000, 30_000, 120_000, 3_600_000];
const WAITS = [0, 500, 5_000, 20_000, 60_000];

/** When the last fault may begin, in a world that is not slow. */
const FAULTS_UNTIL = 60_000;

/** In a slow world all lasts longer by so much: hours instead of seconds. */
const SLOW = 300;
const HOUR = 3_600_000;

export function planFor(seed: string): Plan {
  const random = new Random(`plan ${seed}`);
  return random.chance(0.2) ? duel(seed, random) : crowd(seed, random);
}

/** All kinds of jobs, on several locks, under all kinds of faults. */
function crowd(seed: string, random: Random): Plan {
  const locks = random.whole(1, 3);
  const kinds = random.chance(0.4) ? [random.pick(KINDS)] : KINDS;
  const idles = random.chance(0.1);
  const pace = random.chance(0.1) ? SLOW : 1;
  const callers = Array.from({ length: random.whole(2, 6) }, (_, index) =>
    callerOf(random, index, () => jobOf(random, kinds, locks, idles, pace)),
  );
  const faults = Array.from({ length: random.chance(0.2) ? 0 : random.whole(1, 8) }, () =>
    faultOf(random, FAULTS, locks, callers.length, pace),
  );
  const conditions = random.chance(0.6) ? badConditions(random) : { lost: 0, duplicated: 0, slow: 0 };
  return { seed, locks, faultsUntil: 2 * pace * FAULTS_UNTIL, conditions, callers, faults };
}

/** A few callers want one lock for longer than their leases last, over a bad network: this finds late losses. */
function duel(seed: string, random: Random): Plan {
  const pace = random.chance(0.2) ? SLOW : 1;
  const callers = Array.from({ length: random.whole(2, 3) }, (_, index) =>
    callerOf(random, index, () => {
      const ttl = random.pick([1_000, 3_000, 10_000]) * pace;
      const job = jobOf(random, ["withLock", "hold"], 1, false, pace);
      return {
        ...job,
        ttl,
        wait: 60_000 * pace,
        steps: 20,
        stepFor: ttl / 4,
        abortAfter: undefined,
        releaseOnExit: false,
      };
    }),
  );
  const faults = Array.from({ length: random.whole(3, 12) }, () =>
    faultOf(random, ["cut", "pause", "stall", "split"], 1, callers.length, pace),
  );
  const conditions = { ...badConditions(random), slow: random.between(0.2, 0.8) };
  return { seed, locks: 1, faultsUntil: 2 * pace * FAULTS_UNTIL, conditions, callers, faults };
}

function callerOf(random: Random, index: number, job: () => PlannedJob): CallerPlan {
  const jobs = Array.from({ length: random.whole(1, 4) }, job);
  return { name: `caller${index}`, rate: rateOf(random), jobs };
}

/** Clocks run too slow or too fast by up to 1 %, often by all of it. */
export function rateOf(random: Random): number {
  return 1 + (random.chance(0.5) ? random.between(-0.01, 0.01) : random.pick([-0.01, 0.01]));
}

function badConditions(random: Random): Conditions {
  const often = (most: number) => (random.chance(0.6) ? random.magnitude(0.01, most) : 0);
  return { lost: often(0.3), duplicated: often(0.3), slow: often(0.6) };
}

function jobOf(random: Random, kinds: PlannedJob["kind"][], locks: number, idles: boolean, pace: number): PlannedJob {
  const ttl = Math.min(random.pick(TTLS) * pace, 24 * HOUR);
  const longest = Math.min(ttl, 20_000 * pace);
  const releaseOnExit = random.chance(0.15);
  return {
    kind: random.pick(kinds),
    after: idles && random.chance(0.4) ? random.between(20, 80) * HOUR : random.magnitude(1, 5_000 * pace),
    lock: random.whole(0, locks - 1),
    ttl,
    // A wait of hours is hundreds of calls.
    wait: random.pick(WAITS) * (random.chance(0.3) ? pace : 1),
    steps: random.whole(0, 10),
    stepFor: random.chance(0.3) ? longest : random.magnitude(1, longest),
    abortAfter: random.chance(0.2) ? random.magnitude(1, 10_000 * pace) : undefined,
    releaseOnExit,
    minHold: !releaseOnExit && random.chance(0.1) ? random.whole(1, 3_000) : undefined,
    maxHold: random.chance(0.1) ? random.whole(3_000, 20_000) * pace : undefined,
    lockDelay: random.chance(0.1) ? random.whole(1, 3_000) : 0,
    permits: random.whole(1, 3),
    fails: random.chance(0.15),
  };
}

function faultOf(random: Random, kinds: Fault["kind"][], locks: number, callers: number, pace: number): Fault {
  const kind = random.pick(kinds);
  const at = random.magnitude(1, FAULTS_UNTIL * pace);
  const lock = random.whole(0, locks - 1);
  const caller = random.whole(0, callers - 1);
  const during = random.magnitude(5, 40_000 * pace);
  if (kind === "split" || kind === "stall") return { kind, at, lock, during };
  if (kind === "step") return { kind, at, lock, by: (random.chance(0.8) ? -1 : 1) * random.magnitude(1, 2 * HOUR) };
  if (kind === "pause" || kind === "cut") return { kind, at, caller, during };
  if (kind === "kill") return { kind, at, caller };
  return { kind, at, lock };
}
