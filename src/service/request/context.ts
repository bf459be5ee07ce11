import type { OpenAPIHono } from "@hono/zod-openapi";
import type { LockPrimitives } from "../../transport/primitives.ts";
import type { LockObjects } from "../../transport/rpc/placement.ts";
import type { Access, Grantee } from "./access.ts";
import type { IndexShards } from "./index-shards.ts";

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
  lock: LockObjects;
  access: Access;
  index: IndexShards | undefined;
  basePath: string;
  limiter: RateLimiter | undefined;
  authLimiter: RateLimiter | undefined;
  legacy: boolean;
  /** Keeps a promise alive after the answer, if the request came with a context that can. */
  waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
}

/** What is known of a request once it was let in. */
interface Admitted {
  grantee: Grantee;
  id: string;
  primitives: LockPrimitives;
}

/** These types in the form that Hono asks for. */
export interface ServiceEnv {
  Bindings: ServiceContext;
  Variables: Admitted;
}

/** The application that the routes are put on. */
export type Application = OpenAPIHono<ServiceEnv>;
