import { env } from "cloudflare:workers";
import {
  type DurableLock,
  type DurableRendezvous,
  type Lock,
  lead,
  observe,
  once,
  useBarrier,
  useDurableLock,
  useLatch,
  useReadWriteLock,
  useSemaphore,
  webLocks,
  withLocks,
} from "../../../src/index.ts";
import { type Call, claim } from "./calls.ts";
import { RULES, type Rule } from "./values.ts";

/** What a client call is made on: a network that counts what is sent and refuses everything. */
export interface Clients {
  locks: DurableObjectNamespace<DurableLock>;
  rendezvous: DurableObjectNamespace<DurableRendezvous>;
}

export interface ClientCall extends Call {
  run: (clients: Clients, ...args: never[]) => unknown;
  /** A field and what errors call it. */
  alias?: [string, string];
  /** Goes on forever if nothing is wrong with it. */
  endless?: boolean;
}

const { ttl, maxHold, minHold, lease, wait, owner, text, requestId, lockDelay, flag, retain, count, parties } = RULES;
const { permits, capacity } = RULES;
const orAbsent =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined || rule(value);
const isUndefined: Rule = (value) => value === undefined;
const from =
  (min: number): Rule =>
  (value) =>
    value === undefined || (typeof value === "number" && value >= min && value <= 86_400_000);

const HOLD = {
  ttl: orAbsent(ttl),
  wait: orAbsent(wait),
  signal: isUndefined,
  owner,
  maxHold,
  releaseOnExit: flag,
  lockDelay,
  onReleaseRequested: isUndefined,
};
const RETRY = {
  "retry.retries": from(0),
  "retry.minTimeout": from(1),
  "retry.maxTimeout": from(1),
  "retry.factor": from(1),
};
const CLAIM = { permits, capacity };

const isFingerprint: Rule = (value) => value === undefined || (typeof value === "string" && value.isWellFormed());

/** A rule that looks at several fields. */
function minHoldFits({ minHold: least, maxHold: most, releaseOnExit }: Record<string, unknown>): string[] {
  if (least === undefined || least === 0) return [];
  if (releaseOnExit === true) return ["releaseOnExit"];
  return typeof least === "number" && typeof most === "number" && least > most ? ["minHold"] : [];
}

/** A call with options last. */
function optional(
  method: string,
  rules: Record<string, Rule>,
  run: ClientCall["run"],
  more: Partial<ClientCall> = {},
): ClientCall {
  return { method, takes: ["options"], options: { options: Object.keys(rules) }, rules, good: {}, run, ...more };
}

const lockOf = ({ locks }: Clients): Lock => useDurableLock(locks, "fuzzed");
const fn = () => {};

const HOLDING = { ...HOLD, ...CLAIM, minHold };
const retried = {
  options: { options: [...Object.keys(HOLDING), "retry"], retry: Object.keys(RETRY) },
  rules: { ...HOLDING, ...RETRY },
  notNull: ["retry"],
  together: (fields: Record<string, unknown>) => [...claim(fields), ...minHoldFits(fields)],
} satisfies Partial<ClientCall>;
const { wait: _, ...TRYING } = HOLDING;

const HOLDS: ClientCall[] = [
  optional("hold", HOLDING, (clients, options) => lockOf(clients).hold(options), retried),
  optional("withLock", HOLDING, (clients, options) => lockOf(clients).withLock(fn, options), retried),
  optional("tryWithLock", TRYING, (clients, options) => lockOf(clients).tryWithLock(fn, options), {
    together: retried.together,
  }),
  {
    ...optional("resume", {}, (clients, held: never, options: never) => lockOf(clients).resume(held, options)),
    takes: ["lease", "options"],
    options: { options: ["ttl", "maxHold", "minHold", "releaseOnExit", "onReleaseRequested"] },
    rules: { lease, ttl: HOLD.ttl, maxHold, minHold, releaseOnExit: flag, onReleaseRequested: isUndefined },
    good: { lease: 1 },
    together: minHoldFits,
  },
  optional(
    "once",
    { ...HOLD, retain: orAbsent(retain), recordErrors: flag, fingerprint: isFingerprint },
    (clients, options) => once(lockOf(clients), fn, options),
  ),
  optional(
    "lead",
    { ttl: HOLD.ttl, owner, releaseOnExit: flag, lockDelay, signal: isUndefined },
    (clients, options) => lead(lockOf(clients), fn, options),
    { endless: true },
  ),
  optional(
    "observe",
    { signal: isUndefined },
    async (clients, options) => await observe(lockOf(clients), options).next(),
    { endless: true },
  ),
  optional("withLocks", HOLD, (clients, options) => withLocks([lockOf(clients)], fn, options)),
  optional("read.withLock", HOLD, ({ locks }, options) => useReadWriteLock(locks, "fuzzed").read.withLock(fn, options)),
  optional(
    "withPermits",
    { ...HOLD, count: (value) => count(value) && (value as number) <= 8 },
    ({ locks }, number: never, options: never) =>
      useSemaphore(locks, "fuzzed", { permits: 8 }).withPermits(number, fn, options),
    {
      takes: ["count", "options"],
      options: { options: Object.keys(HOLD) },
      good: { count: 2 },
      alias: ["count", "permits"],
    },
  ),
  optional(
    "webLocks",
    { ttl: HOLD.ttl, maxHold: HOLD.maxHold, owner: HOLD.owner, releaseOnExit: flag },
    async ({ locks }, options) => webLocks(locks, options),
  ),
];

const isName: Rule = (value) => text(value);
const needed = (rule: Rule) => ({ rule });

const CALLS: ClientCall[] = [
  {
    ...optional("acquire", {}, (clients, time: never, options: never) => lockOf(clients).acquire(time, options)),
    takes: ["ttl", "options"],
    options: { options: ["wait", "owner", "permits", "capacity", "requestId", "lockDelay", "signal"] },
    rules: { ttl, wait: HOLD.wait, owner, ...CLAIM, requestId, lockDelay, signal: isUndefined },
    good: { ttl: 1_000 },
    together: claim,
  },
  {
    ...optional("renew", {}, (clients, held: never, time: never, options: never) =>
      lockOf(clients).renew(held, time, options),
    ),
    takes: ["lease", "ttl", "options"],
    options: { options: ["requestId"] },
    rules: { lease, ttl, requestId },
    good: { lease: 1, ttl: 1_000 },
  },
  {
    ...optional("release", {}, (clients, held: never, options: never) => lockOf(clients).release(held, options)),
    takes: ["lease", "options"],
    options: { options: ["requestId"] },
    rules: { lease, requestId },
    good: { lease: 1 },
  },
  {
    ...optional("useDurableLock", {}, async ({ locks }, id: never) => useDurableLock(locks, id)),
    takes: ["id"],
    options: {},
    rules: { id: isName },
  },
  optional(
    "useSemaphore",
    {},
    async ({ locks }, options) => useSemaphore(locks, "fuzzed", options),
    sized(
      "permits",
      needed((value) => value !== undefined && permits(value)),
    ),
  ),
  optional(
    "useLatch",
    {},
    async ({ rendezvous }, options) => useLatch(rendezvous, "fuzzed", options),
    sized("count", needed(count)),
  ),
  optional(
    "useBarrier",
    {},
    async ({ rendezvous }, options) => useBarrier(rendezvous, "fuzzed", options),
    sized("parties", needed(parties)),
  ),
  optional(
    "countDown",
    { by: (value) => value === undefined || (count(value) && (value as number) <= 8), requestId },
    ({ rendezvous }, options) => useLatch(rendezvous, "fuzzed", { count: 8 }).countDown(options),
  ),
  optional("latch.wait", { wait: HOLD.wait, signal: isUndefined }, ({ rendezvous }, options) =>
    useLatch(rendezvous, "fuzzed", { count: 8 }).wait(options),
  ),
  optional("barrier.arrive", { wait: HOLD.wait, signal: isUndefined }, ({ rendezvous }, options) =>
    useBarrier(rendezvous, "fuzzed", { parties: 2 }).arrive(options),
  ),
];

/** An option that must be there: without it, whatever the options are, it is what is wrong. */
function sized(field: string, { rule }: { rule: Rule }): Partial<ClientCall> {
  return {
    options: { options: [field] },
    rules: { [field]: rule },
    good: { [field]: 2 },
    together: (fields) => (field in fields ? [] : [field]),
  };
}

export const CLIENT_CALLS = [...HOLDS, ...CALLS];

/** The real namespaces, to be put behind a network that is not there. */
export const REAL = { locks: env.DURABLE_LOCK, rendezvous: env.DURABLE_RENDEZVOUS };
