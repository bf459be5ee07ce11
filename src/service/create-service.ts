import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { invalid } from "../core/checks.ts";
import { isNoSqlite, noSqlite } from "../core/no-sqlite.ts";
import { PROTOCOL } from "../core/protocol.ts";
import { isLockError } from "../errors.ts";
import type { LockIndex } from "../object/lock-index.ts";
import { type LockNamespace, checkNamespace } from "../transport/rpc/namespace.ts";
import { type PlacementOptions, placed } from "../transport/rpc/placement.ts";
import { PROTOCOL_HEADER } from "../wire/protocol.ts";
import { type Grantee, Access } from "./request/access.ts";
import { authenticated, idForLog, sameProtocol } from "./request/admission.ts";
import type { Application, RateLimiter, ServiceContext, ServiceEnv } from "./request/context.ts";
import { logEvent } from "./request/event-log.ts";
import { IndexShards } from "./request/index-shards.ts";
import { ProblemError, refused, responseTo } from "./request/problem-error.ts";
import { badArgument } from "./request/schema-error.ts";
import { addDocument } from "./routes/document.ts";
import { addEvents } from "./routes/events.ts";
import { addLeaseRoutes } from "./routes/leases.ts";
import { addLegacyRoutes } from "./routes/legacy.ts";
import { addListing } from "./routes/listing.ts";
import { addOperatorRoutes } from "./routes/operator.ts";
import { addPage } from "./routes/page.ts";

/** What a lock service is made of. */
export interface LockServiceOptions extends PlacementOptions {
  /** The binding of the `DurableLock` class. */
  lock: LockNamespace;
  /**
   * The secret: one token of 16 characters or more, or a JSON list of tokens with what each may do.
   *
   * Without one, or with one that is malformed, every request for a lock is answered 503, with how to set it.
   */
  tokens: string | undefined;
  /** The binding of the `LockIndex` class, if ids are to be listed. @default none */
  index?: DurableObjectNamespace<LockIndex> | undefined;
  /** Where the service is mounted, such as `/locks`. @default "" */
  basePath?: string;
  /** Counts requests by the name of their token: a rate-limiting binding. Without one there is no limit. @default none */
  limiter?: RateLimiter | undefined;
  /** Counts failed authentications by address: a rate-limiting binding. Without one there is no limit. @default none */
  authLimiter?: RateLimiter | undefined;
  /** Whether the plain paths of the first library are served too. @default false */
  legacy?: boolean;
}

/** A lock service, to be mounted in a Worker. */
export interface LockService {
  /**
   * Answers a request; never throws.
   *
   * Pass the request's `ctx`, so that the first grant of an id does not wait until the index has listed it. Without `ctx`
   * it waits, for at most a second.
   */
  fetch(request: Request, ctx?: Pick<ExecutionContext, "waitUntil">): Promise<Response>;
}

/**
 * Locks over HTTP: what `durable-locks/client`, the command line and `curl` speak with.
 *
 * Closed unless it has tokens. Make it once for an environment, not for each request.
 *
 * @throws `INVALID_ARGUMENT` if `lock` is no binding, `basePath` does not begin with a slash, or the platform does not know
 * the `jurisdiction`.
 * @example
 * ```ts
 * import { type LockService, createLockService } from "durable-locks/service";
 * export { DurableLock } from "durable-locks";
 *
 * let service: LockService | undefined;
 *
 * export default {
 *   fetch(request, env, ctx) {
 *     service ??= createLockService({ lock: env.DURABLE_LOCK, tokens: env.TOKENS });
 *     return service.fetch(request, ctx);
 *   },
 * } satisfies ExportedHandler<Env>;
 * ```
 */
export function createLockService(options: LockServiceOptions): LockService {
  const {
    lock,
    tokens,
    index,
    basePath = "",
    limiter,
    authLimiter,
    legacy = false,
    jurisdiction,
    locationHint,
  } = options;
  if (basePath !== "" && !basePath.startsWith("/"))
    throw invalid(
      "basePath",
      'basePath must begin with "/", such as "/locks": it is compared with the path of each request.',
    );
  const context: ServiceContext = {
    lock: placed(checkNamespace(lock, "DurableLock"), { jurisdiction, locationHint }),
    access: new Access(tokens),
    index: index && new IndexShards(index),
    basePath: basePath.replace(/\/+$/, ""),
    limiter,
    authLimiter,
    legacy,
  };
  return { fetch: async (request, ctx) => application().fetch(request, { ...context, waitUntil: waitUntilOf(ctx) }) };
}

/** A handler that passes on all its arguments passes `env` for `ctx`: then there is no context. */
function waitUntilOf(ctx: Pick<ExecutionContext, "waitUntil"> | undefined): ServiceContext["waitUntil"] {
  return typeof ctx?.waitUntil === "function" ? (promise) => ctx.waitUntil(promise) : undefined;
}

let made: Application | undefined;

/** One for the isolate: what differs between services is in their contexts. */
export function application(): Application {
  return (made ??= makeApplication());
}

function makeApplication(): Application {
  const service: Application = new OpenAPIHono<ServiceEnv>({
    getPath: (request, { env } = {}) => pathOf(request, (env as ServiceContext).basePath),
    defaultHook: (result) => {
      if (!result.success) throw badArgument(result.error);
    },
  });
  service.use(async (c, next) => {
    await next();
    c.header("Cache-Control", "no-store");
    c.header("X-Content-Type-Options", "nosniff");
    c.header(PROTOCOL_HEADER, String(PROTOCOL));
  });
  service.use("/v1/*", authenticated, sameProtocol);
  addLeaseRoutes(service);
  addOperatorRoutes(service);
  addEvents(service);
  addListing(service);
  addLegacyRoutes(service);
  addDocument(service);
  addPage(service);
  service.notFound(() => responseTo(refused("NOT_FOUND", "See /openapi.json for the paths that there are.")));
  service.onError((error, c) => {
    const refusal = refusalOf(error);
    logIfToken(c, refusal);
    return responseTo(refusal);
  });
  return service;
}

/** Logs a refused or unknown token. A request without a token is only a visit. */
function logIfToken(c: Context<ServiceEnv>, { problem: { reason } }: ProblemError): void {
  if (reason !== "UNAUTHORIZED" && reason !== "FORBIDDEN" && reason !== "OTHER_TOKEN") return;
  if (!c.req.header("Authorization")) return;
  const grantee = c.get("grantee") as Grantee | undefined;
  logEvent({ event: "token-refused", tokenName: grantee?.name ?? null, lock: idForLog(c), reason });
}

/** Raw, so that an encoded slash stays in its segment. */
function pathOf(request: Request, basePath: string): string {
  const { pathname } = new URL(request.url);
  if (basePath === "") return pathname;
  return pathname === basePath || pathname.startsWith(`${basePath}/`) ? pathname.slice(basePath.length) || "/" : "/404";
}

function refusalOf(error: Error): ProblemError {
  if (error instanceof ProblemError) return error;
  // The service's own binding, which no client can mend.
  const misbound = isNoSqlite(error) ? noSqlite(error) : error;
  if (isLockError(misbound, "INVALID_ARGUMENT") && misbound.argument === "namespace")
    return refused("NOT_CONFIGURED", misbound.message);
  if (isLockError(error, "INVALID_ARGUMENT"))
    return refused("INVALID_ARGUMENT", error.message, error.argument === undefined ? {} : { argument: error.argument });
  if (error instanceof HTTPException && error.status === 415)
    return refused("UNSUPPORTED_MEDIA_TYPE", "Send JSON: `Content-Type: application/json`.");
  if (error instanceof HTTPException && error.status === 400)
    return refused("INVALID_ARGUMENT", "The body is not valid JSON.", { argument: "body" });
  console.error("durable-locks: a request failed.", error);
  return refused("INTERNAL", "The service failed; what went wrong is in its log.");
}
