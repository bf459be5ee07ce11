import { constants } from "node:os";
import { isLockError } from "../../client.ts";

/** What the command line exits with on its own account: the numbers of sysexits.h, and two beyond them. */
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

/** What `help` and the docs say of each. */
export const EXIT_CODES: readonly (readonly [code: string, meaning: string])[] = [
  ["0", "done; with --skip also: taken, so nothing was run"],
  ["64", "wrong arguments, or none; the `run` around this call already holds the lock"],
  ["69", "the service can't be reached, did not answer in time, or limits how often you ask"],
  ["70", "a fault of this program or its guard process"],
  ["75", "the lock is taken, and was not granted within --wait"],
  ["76", "the service answered what this version does not understand"],
  ["77", "the token is wrong, or does not cover this lock or action"],
  ["78", "not configured: no URL or token, an unsafe file, Node or a peer missing"],
  ["79", "the lease was lost: `run` has stopped as much of the command as it could"],
  ["80", "at the second signal `run` left processes that it can't end; the lock passes on after the ttl"],
  ["126, 127", "the command of `run` can't be executed, is not found"],
  ["128+n", "ended by signal n, the command of `run` or this program"],
  ["other", "`run` exits as its command did"],
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

/** A failure that is told in one sentence and has its exit code. */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.name = "Failure";
    this.exitCode = exitCode;
  }
}

/** The exit code for whatever was thrown. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Failure) return error.exitCode;
  return isLockError(error) ? (BY_CODE[error.code] ?? EXIT.internal) : EXIT.internal;
}

/** What a shell says of a process that a signal ended. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
