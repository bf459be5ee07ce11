import { mismatchOf, PROTOCOL } from "../../core/protocol.ts";
import type { RefusalReply } from "../../core/replies.ts";
import { LockError } from "../../errors.ts";
import { excessOf } from "../../wire/body-bounds.ts";
import { type Problem, PROBLEMS, refusalOfProblem } from "../../wire/problem.ts";
import { PROTOCOL_HEADER, protocolOf } from "../../wire/protocol.ts";
import type { Fault } from "../fault.ts";

/** What is known about a fault besides its message. */
type FaultDetails = Pick<Fault, "cause" | "retryAfter" | "rateLimited" | "isAnswer" | "isCut">;

/** A fault on the way to the object. It is worth a retry, like the platform's own faults. */
export function fault(message: string, { cause, ...known }: FaultDetails = {}): Fault {
  return Object.assign(new Error(message, cause === undefined ? {} : { cause }), { retryable: true, ...known });
}

/**
 * Reads an answer: returns the expected reply or the lock's refusal, and throws for anything else.
 *
 * Valid JSON is not enough: an answer of a proxy or another service must never be taken for a lease.
 */
export async function readAnswer<T extends object>(
  base: string,
  response: Response,
  isAnswer: (body: object) => body is T,
): Promise<T | RefusalReply> {
  const { status } = response;
  const text = await textOf(base, response);
  const body = parsed(text);
  const problem = !response.ok && isProblem(body) ? body : undefined;
  const answer = response.ok && body !== undefined && isAnswer(body) ? body : problem && refusalOfProblem(problem);
  const header = response.headers.get(PROTOCOL_HEADER);
  // An error page or a proxy sends no protocol number, so don't require one there. An answer of the lock itself must
  // have one.
  if (header !== null || answer) checkAnswered(base, protocolOf(header));
  if (answer) return answer;
  if (problem) raise(base, problem);
  // The answer is from a proxy, or from something else in the service's place.
  if (status >= 500 || status === 429 || status === 408) throw faultOf(base, response, text);
  if (status === 401 || status === 403) throw accessDenied(base, `it answered ${status}.`);
  throw unlike(base, status);
}

function checkAnswered(base: string, protocol: number | undefined): void {
  if (protocol === PROTOCOL) return;
  const service = { name: `the service at ${base}`, protocol };
  throw new LockError("VERSION_MISMATCH", mismatchOf({ name: "this client", protocol: PROTOCOL }, service));
}

async function textOf(base: string, response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw fault(`the connection to ${base} broke in the middle of the answer`, { cause: error, isCut: true });
  }
}

/** The text of Cloudflare's own pages for an account that has used up its daily requests. */
const USED_UP = /\b(?:error code: |Error )1027\b/;

/** The statuses with which a proxy answers after its timeout. Cloudflare's is 524. */
const CUTS = new Set([408, 502, 503, 504, 524]);

function faultOf(base: string, { status, headers }: Response, text: string): Fault {
  if (USED_UP.test(text)) return fault(`${base} answered ${status}, error code: 1027`);
  const retryAfter = retryAfterOf(headers.get("Retry-After"));
  return fault(`${base} answered ${status}`, {
    retryAfter,
    rateLimited: status === 429,
    isCut: retryAfter === undefined && CUTS.has(status),
  });
}

/** The longest `Retry-After` that counts, in milliseconds. */
const MOST_RETRY_AFTER = 3_600_000;

/** The header's seconds or date, in milliseconds from now. */
function retryAfterOf(header: string | null): number | undefined {
  if (header === null || header.trim() === "") return undefined;
  const after = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return after > 0 ? Math.min(after, MOST_RETRY_AFTER) : undefined;
}

function parsed(text: string): object | undefined {
  // One caller reads what another has stored, so don't parse what could exhaust the memory or the stack of this
  // process.
  if (excessOf(text) !== undefined) return undefined;
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}

function isProblem(body: object | undefined): body is Problem {
  const { type, reason, detail } = (body ?? {}) as Partial<Problem>;
  const isKnown = reason !== undefined && Object.hasOwn(PROBLEMS, reason) && type === `urn:durable-locks:${reason}`;
  return isKnown && typeof detail === "string";
}

/** Throws the error for a refusal by the service itself. */
function raise(base: string, { reason, status, detail, retryAfter }: Problem): never {
  switch (reason) {
    case "UNAUTHORIZED":
    case "FORBIDDEN":
    case "OTHER_TOKEN":
      throw accessDenied(base, detail);
    case "VERSION_MISMATCH":
      throw new LockError("VERSION_MISMATCH", `The lock service at ${base} refused: ${detail}`);
    case "NOT_CONFIGURED":
      throw new LockError("UNREACHABLE", `The lock service at ${base} is closed: ${detail}`);
    case "RATE_LIMITED":
    case "UNREACHABLE":
    case "INTERNAL":
      throw fault(`${base} answered ${status}: ${detail.replace(/\.$/, "")}`, {
        retryAfter,
        rateLimited: reason === "RATE_LIMITED",
        // `UNREACHABLE` and `INTERNAL` mean that the lock's object did not answer, so they don't show that it lives.
        isAnswer: reason === "RATE_LIMITED",
      });
    default:
      throw unlike(base, status);
  }
}

function accessDenied(base: string, detail: string): LockError {
  return new LockError("ACCESS_DENIED", `The lock service at ${base} refused access: ${detail}`);
}

function unlike(base: string, status: number): LockError {
  const advice =
    "Check the URL, including the path under which the service is mounted, and the version of the service.";
  return new LockError(
    "VERSION_MISMATCH",
    `${base} answered ${status || "a redirect"}, which is not an answer of a lock service. ${advice}`,
  );
}
