import { type HeldLease, type Lock, isLockError, once } from "../../client.ts";
import { type Survivors, nameSurvivors } from "../supervisor/process-group.ts";
import { type SupervisedEnding, supervise } from "../supervisor/supervise.ts";
import { checkPlatform } from "../supervisor/supervised-command.ts";
import { type Command, type Input, textOf } from "../terminal/command.ts";
import { FOREVER, parseDuration, showDuration } from "../terminal/duration.ts";
import { EXIT, exitCodeOf, exitCodeOfSignal, Failure } from "../terminal/exit-codes.ts";
import type { Reporter } from "../terminal/reporter.ts";
import { Signals } from "../terminal/signals.ts";
import { type ConnectedLock, serviceOf } from "./connection.ts";
import { environmentUnder, heldAround, leaseAround } from "./held-locks.ts";
import { type LeaseOptions, readLeaseOptions } from "./lease-options.ts";
import { longestMargin, lossMessage, stopped } from "./loss-message.ts";
import { type AwaitedLock, describeRefusal, tellProgress } from "./queue-progress.ts";
import { type Remembering, rememberFaults } from "./renewal-faults.ts";
import { RUN_HELP } from "./run-help.ts";

export const run: Command = { ...RUN_HELP, run: runUnderLock };

const DEFAULT_TTL = 30_000;
const DEFAULT_GRACE = 10_000;

/** What to run, and how. */
interface Plan extends ConnectedLock, Remembering {
  spec: LeaseOptions;
  grace: number;
  maxHold: number | undefined;
  skip: boolean;
  retain: number | undefined;
  command: readonly string[];
  reporter: Reporter;
  quiet: boolean;
}

/** Thrown if the command did not succeed, so that no combinator counts it as a success. */
class NotDone extends Error {}

async function runUnderLock(input: Input): Promise<number> {
  checkPlatform("run");
  const plan = readPlan(input);
  const { reporter } = plan;
  const signals = new Signals(() =>
    reporter.note(
      "not-suspended",
      "can't be suspended, because the lease would run out. Use another terminal, or Ctrl-C.",
    ),
  );
  let ending: SupervisedEnding | undefined;
  const around = plan.spec.wait > 0 ? await leaseAround(plan, plan.spec, signals.interruption) : undefined;
  if (around !== undefined) plan.spec.wait = 0;
  const left = Promise.withResolvers<never>();
  const waiting = new AbortController();
  const awaited = tellProgress(plan.lock, reporter, waiting.signal);
  const taken = take(plan, awaited.lock, signals, async (held) => {
    waiting.abort();
    ending = await work(plan, held, signals);
    // Part of the command still runs, so don't release the lock. It passes on when the lease ends.
    if (ending.left) await goOn(left, held);
    if (ending.code !== 0 || ending.stopped) throw new NotDone();
  });
  try {
    await Promise.race([taken, left.promise]);
    if (!ending) reporter.note("done-before", `${plan.lock.id}: already done before, so nothing was run.`);
    return EXIT.ok;
  } catch (error) {
    if (ending) return afterwards(plan, ending, error);
    if (around !== undefined && isLockError(error, "LOCK_TIMEOUT")) throw heldAround(plan.lock.id, around);
    return notRun(plan, awaited, signals, error);
  } finally {
    waiting.abort();
  }
}

/** Lets `run` continue although this work never settles. If it settled, `withLock` would release the lock. */
async function goOn(left: PromiseWithResolvers<never>, held: HeldLease): Promise<never> {
  left.reject(held.isLost() ? held.signal.reason : new NotDone());
  return new Promise<never>(() => {});
}

function readPlan(input: Input): Plan {
  const { flags, reporter, command } = input;
  const spec = readLeaseOptions(input, { ttl: DEFAULT_TTL, wait: Number.POSITIVE_INFINITY });
  if (flags["skip"]) spec.wait = 0;
  const longest = textOf(input, "max-hold");
  const maxHold = longest === undefined || longest === FOREVER ? undefined : parseDuration(longest, "max-hold");
  const grace = graceOf(input, spec.ttl, maxHold);
  const retain = textOf(input, "retain");
  if (retain !== undefined && !flags["once"])
    throw new Failure(EXIT.usage, "--retain needs --once: it sets how long --once remembers the success.");
  const service = serviceOf(input);
  return {
    ...service,
    ...rememberFaults(service.lock),
    spec,
    grace,
    maxHold,
    skip: flags["skip"] === true,
    retain: flags["once"] ? parseDuration(retain ?? "1d", "retain") : undefined,
    command,
    reporter,
    quiet: flags["quiet"] === true,
  };
}

function graceOf(input: Input, ttl: number, maxHold: number | undefined): number {
  // A healthy lease is renewed at a third of its ttl, so it always has at least half of its ttl left.
  const most = Math.floor(Math.min(ttl, maxHold ?? ttl) / 3);
  const asked = textOf(input, "grace");
  const grace = asked === undefined ? Math.min(DEFAULT_GRACE, most) : parseDuration(asked, "grace");
  if (grace <= most) return grace;
  const bounds = maxHold === undefined ? "--ttl" : "--ttl and of --max-hold";
  throw new Failure(EXIT.usage, `--grace must be at most a third of ${bounds}: ${showDuration(most)}.`);
}

/** Waits for the lock and runs `fn` under it. If the job was done before, does not run `fn`. */
async function take(
  { spec, maxHold, retain }: Plan,
  lock: Lock,
  signals: Signals,
  fn: (held: HeldLease) => Promise<void>,
): Promise<void> {
  const signal = signals.interruption;
  const options = { ...spec, ...(maxHold !== undefined && { maxHold }), signal };
  const { permits, capacity, ...exclusive } = options;
  const started = async (held: HeldLease) => {
    signal.throwIfAborted();
    await fn(held);
    return { finished: new Date().toISOString(), owner: spec.owner };
  };
  if (retain === undefined) await lock.withLock(started, options);
  else if (permits === undefined && capacity === undefined) await once(lock, started, { ...exclusive, retain });
  else throw new Failure(EXIT.usage, "--once takes the whole lock: leave out --permits and --capacity.");
}

async function work(plan: Plan, held: HeldLease, signals: Signals): Promise<SupervisedEnding> {
  const { lock, spec, grace, reporter, quiet } = plan;
  const [command = "", ...args] = plan.command;
  reporter.note("acquired", `${lock.id}: acquired, lease ${held.lease}`, { id: lock.id, lease: held.lease });
  const env = environmentUnder(plan, held.lease);
  const onStuck = (survivors: Survivors, isAsked: boolean) => tellStuck(plan, survivors, isAsked);
  const job = { command, args, env, grace, quiet, output: "inherit" } as const;
  return supervise(held, job, spec.ttl, { signals, onStuck, heldBefore: heldBefore(plan, held) });
}

/** For how long the lease may have been held already: its answer may have been long on its way. */
function heldBefore({ spec, maxHold = Number.POSITIVE_INFINITY }: Plan, held: HeldLease): number {
  const lasts = Math.min(spec.ttl, maxHold);
  return Math.max(0, lasts - longestMargin(lasts) - held.remaining());
}

function tellStuck({ lock, reporter }: Plan, survivors: Survivors, isAsked: boolean): void {
  const why = `because of ${nameSurvivors(survivors)} of the command, which this program can't end`;
  const signals = isAsked
    ? "Signal again (SIGTERM or Ctrl-C)"
    : "Stop it yourself, or signal twice (SIGTERM or Ctrl-C)";
  const fields = { id: lock.id, pids: survivors.pids, group: survivors.group };
  const then = "Then the lock passes on after its ttl, even if something still runs";
  const text = `${lock.id}: the lock is still held and renewed ${why}. ${signals} to stop renewing. ${then}.`;
  reporter.warning("kept", text, fields);
}

/** The exit code if the command ran, and something went wrong with it or with the lock. */
function afterwards(plan: Plan, ending: SupervisedEnding, error: unknown): number {
  const { lock, spec, reporter, retain } = plan;
  const left = ending.left && { pids: ending.left.pids, group: ending.left.group };
  if (ending.left && ending.stopped === "given-up") {
    const who = `${nameSurvivors(ending.left)} of the command, which this program can't end`;
    const until = `The lock passes on when its lease ends, within ${showDuration(spec.ttl)}`;
    const message = `${lock.id}: no longer waits for ${who}. ${until}, even if something still runs.`;
    reporter.failure(message, EXIT.givenUp, left);
    return EXIT.givenUp;
  }
  if (ending.stopped === "unsupervised") {
    reporter.failure(`The supervisor process was killed, so ${stopped(ending)}.`, EXIT.internal, left);
    return EXIT.internal;
  }
  if (ending.stopped || isLockError(error, "LEASE_LOST")) {
    reporter.failure(lossMessage(ending, error, { ...plan, fault: plan.fault() }), EXIT.lost, left);
    return EXIT.lost;
  }
  if (error instanceof NotDone) return ending.signal ? exitCodeOfSignal(ending.signal) : (ending.code ?? EXIT.internal);
  // The command succeeded. If the lock could not be released, that only delays others. But with --once, a success that
  // could not be recorded is a failure.
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

/** The exit code if the command never ran. */
function notRun({ lock, skip, reporter }: Plan, { refusal }: AwaitedLock, signals: Signals, error: unknown): number {
  if (signals.interruption.aborted) {
    reporter.note("interrupted", "interrupted while waiting, so nothing was run.");
    return signals.exitCode;
  }
  if (!isLockError(error, "LOCK_TIMEOUT")) throw error;
  const taken = refusal();
  const who = describeRefusal(taken);
  if (skip) {
    const more = taken?.moreHolders === undefined ? {} : { moreHolders: taken.moreHolders };
    reporter.note("skipped", `${lock.id}: ${who}; skipped.`, { id: lock.id, holders: taken?.holders ?? [], ...more });
    return EXIT.ok;
  }
  reporter.failure(`${lock.id}: ${who}, and not granted within --wait.`, exitCodeOf(error));
  return exitCodeOf(error);
}
