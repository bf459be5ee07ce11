import type { OpenAPIHono } from "@hono/zod-openapi";
import type { LockPrimitives } from "../client/primitives.ts";
import type { DurableLock } from "../object/durable-lock.ts";
import type { IndexShards } from "./index-shards.ts";
import type { Access, Grantee } from "./access.ts";

/** Cloudflare's rate-limiting binding, or anything like it. */
export interface RateLimiter {
  /** Counts a request for `key`, and tells whether it is within the limit. */
  limit(options: { key: string }): Promise<{
    /** Whether it is. */
    success: boolean;
  }>;
}

/** What a service runs on. */
export interface ServiceContext {
  lock: DurableObjectNamespace<DurableLock>;
  access: Access;
  index: IndexShards | undefined;
  basePath: string;
  limiter: RateLimiter | undefined;
  authLimiter: RateLimiter | undefined;
  legacy: boolean;
}

/** What is known of a request once it was let in. */
interface Admitted {
  grantee: Grantee;
  id: string;
  primitives: LockPrimitives;
}

/** What Hono is told of all this. */
export interface ServiceEnv {
  Bindings: ServiceContext;
  Variables: Admitted;
}

/** The application that the routes are put on. */
export type Service = OpenAPIHono<ServiceEnv>;
