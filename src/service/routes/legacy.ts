import type { Context } from "hono";
import { LIMITS } from "../../core/limits.ts";
import { PROTOCOL } from "../../core/protocol.ts";
import type { AcquireReply, ReleaseReply } from "../../core/replies.ts";
import { rpcStub } from "../../transport/rpc/rpc-stub.ts";
import { checkAnswered } from "../../transport/version-mismatch.ts";
import { type Served, serve } from "../../wire/plain-requests.ts";
import { callerOf } from "../request/access.ts";
import { authenticated, forLock, shownTo } from "../request/admission.ts";
import { asked } from "../request/call-lock.ts";
import type { Application, ServiceEnv } from "../request/context.ts";
import { refused, refusedBy } from "../request/problem-error.ts";
import { onlyBy } from "../request/route.ts";

const PATHS = { acquire: "lock", release: "lock", isLocked: "read" } as const;

/** The paths of the first library. Their answers are those of the object itself to plain requests. */
export function addLegacyRoutes(service: Application): void {
  for (const [name, action] of Object.entries(PATHS)) {
    const path = `/${name}/:id`;
    service.use(path, async (c, next) => {
      if (!c.env.legacy) throw refused("NOT_FOUND", "Use /v1, or set LEGACY_PATHS=1 to turn the plain paths on.");
      await next();
    });
    service.use(path, authenticated);
    service.get(path, forLock(action), async (c) => {
      const { searchParams } = new URL(c.req.url);
      // Give the call a request id, so that it can be repeated. Otherwise, after a lost reply, the repetition would
      // find the lock taken by its own first attempt.
      if (!searchParams.has("requestId")) searchParams.set("requestId", crypto.randomUUID());
      const plain = new Request(`http://lock/${name}?${searchParams.toString()}`);
      const parked = Math.min(Math.max(0, Number(searchParams.get("wait")) || 0), LIMITS.longPoll);
      return asked(c.get("primitives"), () => serve(lockFor(c), plain), parked);
    });
    onlyBy(service, "GET", path);
  }
}

/** The object, called on behalf of the request's token. */
function lockFor(c: Context<ServiceEnv>): Served {
  const id = c.get("id");
  const stub = rpcStub(c.env.lock, id, "acquire");
  const called = { protocol: PROTOCOL, caller: callerOf(c.get("grantee"), id) };
  return {
    acquire: async (ttl, options) => checked(c, await stub.acquire(ttl, { ...options, ...called })),
    renew: async (lease, ttl, options) => checked(c, await stub.renew(lease, ttl, { ...options, ...called })),
    release: async (lease, options) => checked(c, await stub.release(lease, { ...options, ...called })),
    isLocked: () => stub.isLocked(),
    status: () => stub.status(),
  };
}

/** Like every other path, throws if the lease belongs to another token name or the object runs another version. */
function checked<T extends AcquireReply | ReleaseReply>(c: Context<ServiceEnv>, reply: T): T {
  if (reply === true || reply.success) return reply;
  checkAnswered(reply);
  if (reply.reason === "OTHER_TOKEN") throw refusedBy(reply);
  return shownTo(c, reply) as T;
}
