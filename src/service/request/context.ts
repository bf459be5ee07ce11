import type { OpenAPIHono } from "@hono/zod-openapi";
import type { LockPrimitives } from "../../transport/primitives.ts";
import type { LockObjects } from "../../transport/rpc/placement.ts";
import type { Access, Grantee } from "./access.ts";
import type { IndexShards } from "./index-shards.ts";

/** Cloudflare's rate-limiting binding, or anything with the same interface. */
export interface RateLimiter {
  /** Counts a request for `key`, and says whether it is within the limit. */
  limit(options: { key: string }): Promise<{
    /** Whether the request is within the limit. */
    success: boolean;
  }>;
}

/** What a service runs on. */
export interface ServiceContext {
  lock: LockObjects;
  access: Access;
  index: IndexShards | undefined;
  basePath: string;
  limiter: RateLimiter | undefined;
  authLimiter: RateLimiter | undefined;
  legacy: boolean;
  /** Keeps a promise alive after the response. Undefined if the request came without a context. */
  waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
}

/** What the service knows about a request that it has let in. */
interface Admitted {
  grantee: Grantee;
  id: string;
  primitives: LockPrimitives;
}

/** These types in the form that Hono expects. */
export interface ServiceEnv {
  Bindings: ServiceContext;
  Variables: Admitted;
}

/** The application to which the routes are added. */
export type Application = OpenAPIHono<ServiceEnv>;
