import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { checkText } from "../../core/checks.ts";
import { mismatchOf, PROTOCOL } from "../../core/protocol.ts";
import type { RecordedReply, RefusalReply } from "../../core/replies.ts";
import { rpcPrimitives } from "../../transport/rpc/rpc-primitives.ts";
import { excessOf } from "../../wire/body-bounds.ts";
import { PROTOCOL_HEADER, protocolOf } from "../../wire/protocol.ts";
import { type Action, type Grantee, allows, callerOf } from "./access.ts";
import type { ServiceEnv } from "./context.ts";
import { refused, refusedBy } from "./problem-error.ts";

type Middleware = MiddlewareHandler<ServiceEnv>;

/** How long a client over a limit should wait, in ms: the shortest period that Cloudflare's limiter counts. */
const PERIOD = 10_000;

/** Refuses every request without a valid token, whatever its path. */
export const authenticated: Middleware = async (c, next) => {
  const { access, limiter } = c.env;
  if (access.notConfigured !== undefined) throw refused("NOT_CONFIGURED", access.notConfigured);
  const [, token] = /^Bearer +(\S+)$/i.exec(c.req.header("Authorization") ?? "") ?? [];
  const grantee = token === undefined ? undefined : await access.authenticate(token);
  if (!grantee) throw await unauthorized(c, token === undefined);
  if (limiter && !(await limiter.limit({ key: grantee.name })).success) throw rateLimited();
  c.set("grantee", grantee);
  await next();
};

/** Refuses a client that speaks another version of the protocol. A client that names none is held to the schemas. */
export const sameProtocol: Middleware = async (c, next) => {
  const header = c.req.header(PROTOCOL_HEADER);
  const protocol = protocolOf(header);
  if (header !== undefined && protocol !== PROTOCOL) {
    const service = { name: "the service", protocol: PROTOCOL };
    throw refused("VERSION_MISMATCH", mismatchOf({ name: "the client", protocol }, service));
  }
  await next();
};

/** Guesses are counted, visits are not. */
async function unauthorized(c: Context<ServiceEnv>, isMissing: boolean): Promise<Error> {
  const key = c.req.header("CF-Connecting-IP") ?? "unknown";
  if (c.env.authLimiter && !(await c.env.authLimiter.limit({ key })).success) return rateLimited();
  const detail = isMissing ? "Send a token: `Authorization: Bearer …`." : "The service does not know this token.";
  return refused("UNAUTHORIZED", detail, {}, { "WWW-Authenticate": 'Bearer realm="durable-locks"' });
}

function rateLimited(): Error {
  return refused("RATE_LIMITED", "Too many requests: try again later.", { retryAfter: PERIOD });
}

/** Lets a caller through if its token allows this action on the lock in the path. */
export function forLock(action: Action): Middleware {
  return async (c, next) => {
    const id = idOf(c);
    const grantee = c.get("grantee");
    checkAllowed(grantee, action, id);
    c.set("id", id);
    c.set("primitives", rpcPrimitives(c.env.lock, id, callerOf(grantee, id)));
    await next();
  };
}

/** Throws if the token does not allow the action. */
export function checkAllowed(grantee: Grantee, action: Action, id: string): void {
  if (allows(grantee, action, id)) return;
  throw refused("FORBIDDEN", `The token "${grantee.name}" does not allow "${action}" on this id.`);
}

/**
 * The part of a refusal that a token may see. Without "read", it must not learn who holds the lock or when the current
 * lease ends: the end often reveals when the lease began, and from that its number.
 */
export function shownTo<T extends RecordedReply | RefusalReply>(c: Context<ServiceEnv>, refusal: T): T {
  if (refusal.reason !== "BORROWED" || allows(c.get("grantee"), "read", c.get("id"))) return refusal;
  const { retryAfter: _, holders: _who, moreHolders: _many, ...rest } = refusal;
  return rest as typeof refusal;
}

/** The lock id for the log, or null. Reads it from the path, because a request can be refused before its id is read. */
export function idForLog(c: Context<ServiceEnv>): string | null {
  try {
    return idOf(c);
  } catch {
    return null;
  }
}

/**
 * The id, decoded once and strictly. Access must be checked for the same id that is then looked up. A lenient decoder
 * could read two spellings as one id, and break that.
 */
function idOf(c: Context<ServiceEnv>): string {
  const [, segment = ""] = /\/(?:locks|acquire|release|isLocked)\/([^/]*)/.exec(c.req.path) ?? [];
  return checkText(decoded(segment), "id");
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw refused("INVALID_ARGUMENT", "The id in the path is not percent-encoded UTF-8.", { argument: "id" });
  }
}

/** Requires JSON: a form on another origin's page can't send that without permission. */
export const jsonOnly: Middleware = async (c, next) => {
  const [type = ""] = (c.req.header("Content-Type") ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/json")
    throw refused("UNSUPPORTED_MEDIA_TYPE", "Send JSON: `Content-Type: application/json`.");
  await next();
};

/** Refuses a result that would take too much memory or stack, before it is parsed. */
export const notExcessive: Middleware = async (c, next) => {
  const excess = excessOf(await c.req.text());
  if (excess === "size") throw refusedBy({ success: false, reason: "RESULT_TOO_LARGE" });
  if (excess === "depth") throw refusedBy({ success: false, reason: "RESULT_NOT_CLONEABLE" });
  await next();
};

/** Reads at most this much of a body. If a body declares a length, HTTP ensures that it is no longer than that. */
export function atMost(bytes: number): Middleware {
  return bodyLimit({
    maxSize: bytes,
    onError: () => {
      throw refused("PAYLOAD_TOO_LARGE", `The body must be at most ${bytes} bytes.`);
    },
  });
}
