import { invalid } from "../../core/checks.ts";
import { isLockError, LockError } from "../../errors.ts";
import { wrongRequest } from "../own-request.ts";
import { fault } from "./read-answer.ts";

/** Sends a request. Throws a fault if a retry may help, and another error if no retry can. */
export async function reach(base: string, call: () => Promise<Response>): Promise<Response> {
  try {
    return await call();
  } catch (error) {
    throw isLockError(error) ? error : (wrongRequest(`The fetch for ${base}`, error) ?? faultOf(base, error));
  }
}

function faultOf(base: string, error: unknown): Error {
  if (DETACHED.test(String(error)))
    return invalid(
      "fetch",
      "fetch was detached from its object, so it can't be called: pass the object itself, fetch: env.LOCKS, or call it on the object, fetch: (...args) => env.LOCKS.fetch(...args).",
    );
  const { code, reason } = rootOf(error);
  if (!isHopeless(code, reason))
    return fault(`no answer from ${base}: ${reason}`, { cause: error, isCut: !NEVER_SENT.test(code) });
  const advice = "No retry can fix this: correct the URL, or let this process trust the certificate.";
  return new LockError("UNREACHABLE", `${base} can't be used: ${reason}. ${advice}`, { cause: error });
}

/** The error of a method that is called without its object: in workerd, Node and Chrome; in Firefox. */
const DETACHED = /Illegal invocation|does not implement interface/;

/**
 * Whether the certificate is not trusted (the codes of Node and Bun, the message of Deno), or fetch refuses the port.
 */
function isHopeless(code: string, reason: string): boolean {
  return /CERT|^UNABLE_TO_/.test(code) || /invalid peer certificate|^bad port$/.test(reason);
}

/** The codes of Node and Bun for a connection that never opened, so nothing can have cut it. */
const NEVER_SENT = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/;

const MOST_CAUSES = 8;

/** The root cause: fetch says "fetch failed" for every error, and puts the reason into the `cause`. */
function rootOf(error: unknown): { code: string; reason: string } {
  let root = error;
  for (let depth = 0; depth < MOST_CAUSES; depth += 1) {
    // A name with several addresses fails with one error for each of them: use the first.
    const next: unknown = root instanceof AggregateError ? root.errors[0] : (root as { cause?: unknown } | null)?.cause;
    if (!(next instanceof Error)) break;
    root = next;
  }
  const { code: given } = (root ?? {}) as { code?: unknown };
  const code = typeof given === "string" ? given : "";
  const message = (root instanceof Error ? root.message : String(root)).trim().replace(/\.$/, "");
  return { code, reason: code === "" || message.includes(code) ? message : `${message} (${code})` };
}
