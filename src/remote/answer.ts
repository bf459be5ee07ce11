import { LockError } from "../errors.ts";
import type { RefusalReply } from "../core/replies.ts";
import { type Problem, refusalOfProblem } from "../wire/problem.ts";

/** A fault of the way there: worth another try, as the platform's own faults are. */
export function fault(message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, cause === undefined ? {} : { cause }), { retryable: true });
}

/** What an answer says: the service's, or the refusal of the lock. Whatever else it is, is thrown. */
export async function readAnswer(base: string, response: Response): Promise<object | RefusalReply> {
  const { status } = response;
  const body = parsed(await textOf(response));
  if (response.ok && body !== undefined) return body;
  if (isProblem(body)) return refusalOfProblem(body) ?? raise(base, body);
  // Of a proxy, or of whatever else stands in the service's place.
  if (status >= 500 || status === 429 || status === 408) throw fault(`${base} answered ${status}.`);
  if (status === 401 || status === 403) throw accessDenied(`${base} answered ${status}.`);
  throw unlike(base, status);
}

async function textOf(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw fault("The connection broke in the middle of the answer.", error);
  }
}

function parsed(text: string): object | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}

function isProblem(body: object | undefined): body is Problem {
  return body !== undefined && "reason" in body && "detail" in body;
}

/** Throws what the service itself refused. */
function raise(base: string, { reason, status, detail }: Problem): never {
  switch (reason) {
    case "UNAUTHORIZED":
    case "FORBIDDEN":
      throw accessDenied(detail);
    case "NOT_CONFIGURED":
      throw new LockError("UNREACHABLE", `The lock service at ${base} is closed: ${detail}`);
    case "RATE_LIMITED":
    case "UNREACHABLE":
    case "INTERNAL":
      throw fault(`${base} answered ${status}: ${detail}`);
    default:
      throw unlike(base, status);
  }
}

function accessDenied(detail: string): LockError {
  return new LockError("ACCESS_DENIED", `The lock service refused access: ${detail}`);
}

function unlike(base: string, status: number): LockError {
  const advice =
    "Is the URL right, with the path that the service is mounted under, and is the service of this version?";
  return new LockError(
    "VERSION_MISMATCH",
    `${base} answered ${status || "a redirect"}, which is no answer of a lock service. ${advice}`,
  );
}
