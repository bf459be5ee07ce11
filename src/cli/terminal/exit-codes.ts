import { constants } from "node:os";
import { isLockError } from "../../client.ts";

/** The exit codes of the command line itself: the numbers of sysexits.h, and two beyond them. */
export const EXIT = {
  ok: 0,
  usage: 64,
  unreachable: 69,
  internal: 70,
  taken: 75,
  protocol: 76,
  access: 77,
  config: 78,
  lost: 79,
  givenUp: 80,
  notExecutable: 126,
  notFound: 127,
} as const;

/** What `help` and the docs say about each code. */
export const EXIT_CODES: readonly (readonly [code: string, meaning: string])[] = [
  ["0", "success; with --skip also: the lock was taken, so nothing was run"],
  ["64", "wrong or missing arguments, or the `run` around this call already holds the lock"],
  ["69", "the service can't be reached, did not answer in time, or limits how often you ask"],
  ["70", "a fault of this program or its supervisor process"],
  ["75", "the lock is taken, and was not granted within --wait"],
  ["76", "the service gave an answer that this version does not understand"],
  ["77", "the token is wrong, or does not cover this lock or action"],
  ["78", "not configured: no URL or token, an unsafe file, an old Node or a missing peer dependency"],
  ["79", "the lease was lost: `run` has stopped as much of the command as it could"],
  ["80", "after a second signal, `run` left processes that it can't end; the lock passes on after the ttl"],
  ["126, 127", "the command of `run` can't be executed, or is not found"],
  ["128+n", "signal n ended the command of `run` or this program"],
  ["other", "the exit code of the command of `run`"],
];

const BY_CODE: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: EXIT.usage,
  LOCK_TIMEOUT: EXIT.taken,
  QUEUE_FULL: EXIT.taken,
  TOO_MANY_LEASES: EXIT.taken,
  LEASE_LOST: EXIT.lost,
  UNREACHABLE: EXIT.unreachable,
  RATE_LIMITED: EXIT.unreachable,
  RELEASE_FAILED: EXIT.unreachable,
  ACCESS_DENIED: EXIT.access,
  VERSION_MISMATCH: EXIT.protocol,
};

/** A failure with its exit code and a message for the user. */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.name = "Failure";
    this.exitCode = exitCode;
  }
}

/** The exit code for any thrown value. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Failure) return error.exitCode;
  return isLockError(error) ? (BY_CODE[error.code] ?? EXIT.internal) : EXIT.internal;
}

/** The exit code with which a shell reports that a signal ended a process. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
