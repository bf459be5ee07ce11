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

/** What a lock service needs. */
export interface LockServiceOptions extends PlacementOptions {
  /** The binding of the `DurableLock` class. */
  lock: LockNamespace;
  /**
   * The secret `TOKENS`: one token of 16 characters or more, or a JSON list of tokens and what each of them may do.
   *
   * If it is missing or malformed, the service answers every request for a lock with 503 and says how to set it.
   */
  tokens: string | undefined;
  /** The binding of the `LockIndex` class. Set it to list ids. @default none */
  index?: DurableObjectNamespace<LockIndex> | undefined;
  /** Where the service is mounted, such as `/locks`. @default "" */
  basePath?: string;
  /** A rate-limiting binding that counts requests by token name. Without it: no limit. @default none */
  limiter?: RateLimiter | undefined;
  /** A rate-limiting binding that counts failed authentications by address. Without it: no limit. @default none */
  authLimiter?: RateLimiter | undefined;
  /** Whether to serve the plain paths of the first library too. @default false */
  legacy?: boolean;
}

/** A lock service that you mount in a Worker. */
export interface LockService {
  /**
   * Answers a request; never throws.
   *
   * Pass the request's `ctx`. Without it, the first grant of an id waits for the index, for at most a second.
   */
  fetch(request: Request, ctx?: Pick<ExecutionContext, "waitUntil">): Promise<Response>;
}

/**
 * Serves locks over HTTP to `durable-locks/client`, the command line and `curl`.
 *
 * Without tokens it lets nobody in. Create it once per environment, not for each request.
 *
 * @throws `INVALID_ARGUMENT` if `lock` is not a binding, `basePath` does not begin with a slash, or the platform does
 * not know the `jurisdiction`.
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
      'basePath must begin with "/", as in "/locks": the service compares it with the path of each request.',
    );
  const placement = { jurisdiction, locationHint };
  const context: ServiceContext = {
    lock: placed(checkNamespace(lock, "DurableLock"), placement),
    access: new Access(tokens),
    index: index && new IndexShards(placed(index, placement)),
    basePath: basePath.replace(/\/+$/, ""),
    limiter,
    authLimiter,
    legacy,
  };
  return { fetch: async (request, ctx) => application().fetch(request, { ...context, waitUntil: waitUntilOf(ctx) }) };
}

/** A handler that passes on all its arguments passes `env` as `ctx`. In that case there is no context. */
function waitUntilOf(ctx: Pick<ExecutionContext, "waitUntil"> | undefined): ServiceContext["waitUntil"] {
  return typeof ctx?.waitUntil === "function" ? (promise) => ctx.waitUntil(promise) : undefined;
}

let made: Application | undefined;

/** One application serves the whole isolate: what differs between services is in their contexts. */
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
    // Not `c.header`, which copies a finished response for each header.
    const { headers } = c.res;
    headers.set("Cache-Control", "no-store");
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set(PROTOCOL_HEADER, String(PROTOCOL));
  });
  service.use("/v1/*", authenticated, sameProtocol);
  addLeaseRoutes(service);
  addOperatorRoutes(service);
  addEvents(service);
  addListing(service);
  addLegacyRoutes(service);
  addDocument(service);
  addPage(service);
  service.notFound(() => responseTo(refused("NOT_FOUND", "/openapi.json lists the paths.")));
  service.onError((error, c) => {
    const refusal = refusalOf(error);
    logIfToken(c, refusal);
    return responseTo(refusal);
  });
  return service;
}

/** Logs a token that is unknown or refused. A request without a token is only a visit, so it is not logged. */
function logIfToken(c: Context<ServiceEnv>, { problem: { reason } }: ProblemError): void {
  if (reason !== "UNAUTHORIZED" && reason !== "FORBIDDEN" && reason !== "OTHER_TOKEN") return;
  if (!c.req.header("Authorization")) return;
  const grantee = c.get("grantee") as Grantee | undefined;
  logEvent({ event: "token-refused", tokenName: grantee?.name ?? null, lock: idForLog(c), reason });
}

/** The path, still encoded, so that an encoded slash stays in its segment. */
function pathOf(request: Request, basePath: string): string {
  const { pathname } = new URL(request.url);
  if (basePath === "") return pathname;
  return pathname === basePath || pathname.startsWith(`${basePath}/`) ? pathname.slice(basePath.length) || "/" : "/404";
}

function refusalOf(error: Error): ProblemError {
  if (error instanceof ProblemError) return error;
  // The service's own binding is wrong, and no client can fix that.
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
  return refused("INTERNAL", "The service failed. Its log says why.");
}
