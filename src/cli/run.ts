import type { HeldLease } from "../client/held-lease.ts";
import { once } from "../client/once.ts";
import { reasonOf } from "../client/outage.ts";
import { isLockError } from "../errors.ts";
import { type Command, type Input, textOf } from "./command.ts";
import { parseDuration, showDuration } from "./duration.ts";
import { EXIT, Failure, exitCodeOf, exitCodeOfSignal } from "./exit-codes.ts";
import { RUN_HELP } from "./run-help.ts";
import { describeHolders, tellProgress } from "./queue-progress.ts";
import { type Remembering, rememberFaults } from "./renewal-faults.ts";
import type { Reporter } from "./reporter.ts";
import { lockOf } from "./service.ts";
import { Signals } from "./signals.ts";
import { FORCED_GRACE, supervise } from "./supervise.ts";
import { type Terms, readTerms } from "./terms.ts";
import { type Ending, checkPlatform } from "./ward.ts";

export const run: Command = { ...RUN_HELP, run: runUnderLock };

const DEFAULT_TTL = 30_000;
const DEFAULT_GRACE = 10_000;

/** What a run is. */
interface Plan extends Remembering {
  terms: Terms;
  grace: number;
  skip: boolean;
  retain: number | undefined;
  command: readonly string[];
  reporter: Reporter;
  quiet: boolean;
}

/** The command was not done: thrown so that no combinator takes it for a success. */
class NotDone extends Error {}

async function runUnderLock(input: Input): Promise<number> {
  checkPlatform("run");
  const plan = readPlan(input);
  const { reporter } = plan;
  const signals = new Signals(() =>
    reporter.note("not-suspended", "not suspended: the lease would run out. Use another terminal, or Ctrl-C."),
  );
  let ending: Ending | undefined;
  try {
    await take(plan, signals, async (held) => {
      ending = await work(plan, held, signals);
      if (ending.code !== 0 || ending.stopped) throw new NotDone();
    });
    if (!ending) reporter.note("done-before", `${plan.lock.id}: was done before; nothing was run.`);
    return EXIT.ok;
  } catch (error) {
    if (ending) return afterwards(plan, ending, error);
    return await notRun(plan, signals, error);
  }
}

function readPlan(input: Input): Plan {
  const { flags, reporter, command } = input;
  const terms = readTerms(input, { ttl: DEFAULT_TTL, wait: Number.POSITIVE_INFINITY });
  if (flags["skip"]) terms.wait = 0;
  const most = Math.floor(terms.ttl / 3);
  const asked = textOf(input, "grace");
  const grace = asked === undefined ? Math.min(DEFAULT_GRACE, most) : parseDuration(asked, "grace");
  // Renewed at a third of the ttl, a lease that is well has at least half of it left.
  if (grace > most) throw new Failure(EXIT.usage, `--grace must be at most a third of --ttl: ${showDuration(most)}.`);
  const retain = textOf(input, "retain");
  if (retain !== undefined && !flags["once"]) throw new Failure(EXIT.usage, "--retain goes with --once.");
  return {
    ...rememberFaults(lockOf(input)),
    terms,
    grace,
    skip: flags["skip"] === true,
    retain: flags["once"] ? parseDuration(retain ?? "1d", "retain") : undefined,
    command,
    reporter,
    quiet: flags["quiet"] === true,
  };
}

/** Waits for the lock, tells of it, and has `fn` run under it, or not at all if it was done before. */
async function take(plan: Plan, signals: Signals, fn: (held: HeldLease) => Promise<void>): Promise<void> {
  const { lock, terms, retain, reporter } = plan;
  const { permits, capacity, ...exclusive } = terms;
  const waiting = new AbortController();
  void tellProgress(lock, terms.owner, reporter, waiting.signal);
  const signal = signals.interruption;
  const started = async (held: HeldLease) => {
    waiting.abort();
    signal.throwIfAborted();
    await fn(held);
    return { finished: new Date().toISOString(), owner: terms.owner };
  };
  try {
    if (retain === undefined) await lock.withLock(started, { ...terms, signal });
    else if (permits === undefined && capacity === undefined)
      await once(lock, started, { ...exclusive, signal, retain });
    else throw new Failure(EXIT.usage, "--once takes the whole lock: leave --permits and --capacity out.");
  } finally {
    waiting.abort();
  }
}

async function work(plan: Plan, held: HeldLease, signals: Signals): Promise<Ending> {
  const { lock, terms, grace, reporter, quiet } = plan;
  const [command = "", ...args] = plan.command;
  reporter.note("acquired", `${lock.id}: acquired, lease ${held.lease}`, { id: lock.id, lease: held.lease });
  const env = { ...process.env, LOCK_ID: lock.id, LOCK_LEASE: String(held.lease) };
  return supervise(held, { command, args, env, grace, quiet, output: "inherit" }, terms.ttl, signals);
}

/** The exit code when the command ran, and something went wrong with it or with the lock. */
function afterwards({ reporter, retain, grace, fault }: Plan, ending: Ending, error: unknown): number {
  if (ending.stopped === "unguarded") {
    reporter.failure("The guard process was killed, so the command was stopped.", EXIT.internal);
    return EXIT.internal;
  }
  if (ending.stopped || isLockError(error, "LEASE_LOST")) {
    reporter.failure(lossMessage(ending, error, { grace, fault: fault() }), EXIT.lost);
    return EXIT.lost;
  }
  if (error instanceof NotDone) return ending.signal ? exitCodeOfSignal(ending.signal) : (ending.code ?? EXIT.internal);
  // The command succeeded; that the lock could not be released only delays others, but a success that is not recorded is none.
  const message = error instanceof Error ? error.message : String(error);
  if (retain === undefined) {
    reporter.note("not-released", message);
    return EXIT.ok;
  }
  reporter.failure(
    `The command succeeded, but that could not be recorded, so it may run again. ${message}`,
    EXIT.unreachable,
  );
  return EXIT.unreachable;
}

function lossMessage({ stopped }: Ending, error: unknown, { grace, fault }: { grace: number; fault: unknown }): string {
  const why = fault === undefined ? "" : ` (${reasonOf(fault)})`;
  if (stopped === "doubt")
    return `No renewal was confirmed${why}, so the command was stopped with ${showDuration(grace)} to spare, before the lease could pass on.`;
  if (isLockError(error, "LEASE_LOST") && error.why !== "unreachable")
    return `The lease was ended by somebody, so the command was stopped within ${showDuration(FORCED_GRACE)}.`;
  return `The lease was lost while the command ran${why}.`;
}

/** The exit code when the command never ran. */
async function notRun(plan: Plan, signals: Signals, error: unknown): Promise<number> {
  const { lock, skip, reporter } = plan;
  if (signals.interruption.aborted) {
    reporter.note("interrupted", "interrupted while waiting; nothing was run.");
    return signals.exitCode;
  }
  if (!isLockError(error, "LOCK_TIMEOUT")) throw error;
  const status = await lock.status().catch(() => undefined);
  const who = status?.locked ? `held by ${describeHolders(status.holders)}` : "taken";
  const holders = status?.holders ?? [];
  if (skip) {
    reporter.note("skipped", `${lock.id}: ${who}; skipped.`, { id: lock.id, holders });
    return EXIT.ok;
  }
  reporter.failure(`${lock.id}: ${who}, and not granted within --wait.`, exitCodeOf(error));
  return exitCodeOf(error);
}
