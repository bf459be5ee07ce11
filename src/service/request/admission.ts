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

/** How long to stay away once over a limit, in milliseconds: the shortest period that Cloudflare's limiter counts. */
const PERIOD = 10_000;

/** Nobody gets past without a token, whatever the path. */
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

/** Refuses a client of another protocol before its call has an effect. If it names none, only the schemas decide. */
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
  const detail = isMissing ? "Send a token: `Authorization: Bearer …`." : "This token is not known here.";
  return refused("UNAUTHORIZED", detail, {}, { "WWW-Authenticate": 'Bearer realm="durable-locks"' });
}

function rateLimited(): Error {
  return refused("RATE_LIMITED", "Too many requests: come back later.", { retryAfter: PERIOD });
}

/** Lets a caller through whose token allows this action on the lock of the path. */
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

/** Refuses what a token may not do. */
export function checkAllowed(grantee: Grantee, action: Action, id: string): void {
  if (allows(grantee, action, id)) return;
  throw refused("FORBIDDEN", `The token "${grantee.name}" does not allow "${action}" on this id.`);
}

/**
 * What a token learns from a refusal. Without `read` it must not learn who holds the lock, nor when the present lease
 * ends: that often shows when the lease began, and so its number.
 */
export function shownTo<T extends RecordedReply | RefusalReply>(c: Context<ServiceEnv>, refusal: T): T {
  if (refusal.reason !== "BORROWED" || allows(c.get("grantee"), "read", c.get("id"))) return refusal;
  const { retryAfter: _, holders: _who, moreHolders: _many, ...rest } = refusal;
  return rest as typeof refusal;
}

/** The id in the path, for the log, also if the refusal came before any code read the id; null if there is none. */
export function idForLog(c: Context<ServiceEnv>): string | null {
  try {
    return idOf(c);
  } catch {
    return null;
  }
}

/**
 * The id, decoded once and strictly: what is looked up must be what access was judged by, and two spellings that a lenient
 * decoder takes for one id would not be.
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

/** Asked for so that no form of another origin's page can send it unasked. */
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

/** Reads no more of a body than this; one that says its length is not longer, which HTTP itself sees to. */
export function atMost(bytes: number): Middleware {
  return bodyLimit({
    maxSize: bytes,
    onError: () => {
      throw refused("PAYLOAD_TOO_LARGE", `The body must be at most ${bytes} bytes.`);
    },
  });
}
