import type { DurableLock } from "../object/durable-lock.ts";
import type { LockIndex } from "../object/lock-index.ts";
import { type LockService, createLockService } from "./create-service.ts";
import type { RateLimiter } from "./request/context.ts";

export { DurableLock } from "../object/durable-lock.ts";
export { LockIndex } from "../object/lock-index.ts";

interface Env {
  DURABLE_LOCK: DurableObjectNamespace<DurableLock>;
  TOKENS?: string;
  LOCK_INDEX?: DurableObjectNamespace<LockIndex>;
  RATE_LIMITER?: RateLimiter;
  AUTH_LIMITER?: RateLimiter;
  LEGACY_PATHS?: string;
  JURISDICTION?: DurableObjectJurisdiction;
  LOCATION_HINT?: DurableObjectLocationHint;
}

let service: LockService | undefined;

/** The lock service that `wrangler deploy` deploys. An isolate has the same `env` for life, so it makes one service. */
export default {
  async fetch(request, env, ctx) {
    service ??= createLockService({
      lock: env.DURABLE_LOCK,
      tokens: env.TOKENS,
      index: env.LOCK_INDEX,
      limiter: env.RATE_LIMITER,
      authLimiter: env.AUTH_LIMITER,
      legacy: env.LEGACY_PATHS === "1",
      ...(env.JURISDICTION && { jurisdiction: env.JURISDICTION }),
      ...(env.LOCATION_HINT && { locationHint: env.LOCATION_HINT }),
    });
    return service.fetch(request, ctx);
  },
} satisfies ExportedHandler<Env>;
