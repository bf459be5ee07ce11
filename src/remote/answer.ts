import { LockError } from "../errors.ts";
import type { RefusalReply } from "../core/replies.ts";
import { PROBLEMS, type Problem, refusalOfProblem } from "../wire/problem.ts";

/** What a fault says of when to ask again. */
interface Limits {
  /** Milliseconds before which another try is pointless. */
  retryAfter?: number | undefined;
  /** The caller asks too often. */
  rateLimited?: boolean;
}

/** A fault of the way there: worth another try, as the platform's own faults are. */
export function fault(message: string, cause?: unknown, limits: Limits = {}): Error {
  return Object.assign(new Error(message, cause === undefined ? {} : { cause }), { retryable: true, ...limits });
}

/**
 * What an answer says: what was asked for, or the refusal of the lock. Whatever else it is, is thrown.
 *
 * Any JSON is not enough: what a proxy or another service says must never be taken for a lease.
 */
export async function readAnswer<T extends object>(
  base: string,
  response: Response,
  isAnswer: (body: object) => body is T,
): Promise<T | RefusalReply> {
  const { status } = response;
  const text = await textOf(base, response);
  const body = parsed(text);
  if (response.ok && body !== undefined && isAnswer(body)) return body;
  if (!response.ok && isProblem(body)) return refusalOfProblem(body) ?? raise(base, body);
  // Of a proxy, or of whatever else stands in the service's place.
  if (status >= 500 || status === 429 || status === 408) throw faultOf(base, response, text);
  if (status === 401 || status === 403) throw accessDenied(base, `it answered ${status}.`);
  throw unlike(base, status);
}

async function textOf(base: string, response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw fault(`the connection to ${base} broke in the middle of the answer`, error);
  }
}

/** What Cloudflare's own pages say of an account whose requests of the day are used up. */
const USED_UP = /\b(?:error code: |Error )1027\b/;

function faultOf(base: string, { status, headers }: Response, text: string): Error {
  if (USED_UP.test(text)) return fault(`${base} answered ${status}, error code: 1027`);
  return fault(`${base} answered ${status}`, undefined, {
    retryAfter: retryAfterOf(headers.get("Retry-After")),
    rateLimited: status === 429,
  });
}

/** The header's seconds or date, in milliseconds from now. */
function retryAfterOf(header: string | null): number | undefined {
  if (header === null || header.trim() === "") return undefined;
  const after = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return after > 0 ? after : undefined;
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
  const { type, reason, detail } = (body ?? {}) as Partial<Problem>;
  const isKnown = reason !== undefined && Object.hasOwn(PROBLEMS, reason) && type === `urn:durable-locks:${reason}`;
  return isKnown && typeof detail === "string";
}

/** Throws what the service itself refused. */
function raise(base: string, { reason, status, detail, retryAfter }: Problem): never {
  switch (reason) {
    case "UNAUTHORIZED":
    case "FORBIDDEN":
    case "OTHER_TOKEN":
      throw accessDenied(base, detail);
    case "NOT_CONFIGURED":
      throw new LockError("UNREACHABLE", `The lock service at ${base} is closed: ${detail}`);
    case "RATE_LIMITED":
    case "UNREACHABLE":
    case "INTERNAL":
      throw fault(`${base} answered ${status}: ${detail.replace(/\.$/, "")}`, undefined, {
        retryAfter,
        rateLimited: reason === "RATE_LIMITED",
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
    "Is the URL right, with the path that the service is mounted under, and is the service of this version?";
  return new LockError(
    "VERSION_MISMATCH",
    `${base} answered ${status || "a redirect"}, which is no answer of a lock service. ${advice}`,
  );
}
