import { z } from "@hono/zod-openapi";
import { LIMITS } from "../../core/limits.ts";
import { toWireStatus } from "../../wire/status.ts";
import { asked } from "../request/call-lock.ts";
import type { Application } from "../request/context.ts";
import { logEvent } from "../request/event-log.ts";
import { refusedBy } from "../request/problem-error.ts";
import { onGet, onPost } from "../request/route.ts";
import { ForceReleased, MaybeNamed, Requested, Status } from "../request/schemas.ts";

const digits = z.string().regex(/^\d{1,16}$/, "must be a whole number");

const watched = z.strictObject({
  known: digits
    .openapi({
      description:
        "The newest live lease that you know of, 0 for none. The answer comes as soon as the newest is another one.",
    })
    .optional(),
  wait: digits
    .openapi({ description: `With known: how long to wait, in milliseconds, at most ${LIMITS.longPoll}.` })
    .optional(),
  newest: z
    .literal("true")
    .openapi({ description: "With known: answers with only the newest holder, and without waiters." })
    .optional(),
});

/** The routes with which people look at a lock and intervene. */
export function addOperatorRoutes(service: Application): void {
  addStatus(service);
  onPost(
    service,
    {
      name: "request-release",
      action: "lock",
      summary: "Asks all holders to release.",
      body: MaybeNamed,
      answer: Requested,
    },
    async (c, { requestId }) => {
      const primitives = c.get("primitives");
      await asked(primitives, () => primitives.requestRelease(requestId));
      return c.json({ requested: true });
    },
  );
  onPost(
    service,
    {
      name: "force-release",
      action: "admin",
      summary:
        "Ends all leases, no matter who holds them. Answers with a lease number above theirs and below all later ones.",
      body: MaybeNamed,
      answer: ForceReleased,
    },
    async (c, { requestId }) => {
      const primitives = c.get("primitives");
      const lease = await asked(primitives, () => primitives.forceRelease(requestId));
      if (typeof lease !== "number") throw refusedBy(lease);
      logEvent({ event: "forced-release", tokenName: c.get("grantee").name, lock: c.get("id"), lease });
      return c.json({ lease });
    },
  );
}

function addStatus(service: Application): void {
  onGet(
    service,
    {
      suffix: "",
      action: "read",
      summary: "Shows who holds the lock and who waits for it.",
      query: watched,
      answer: Status,
    },
    async (c) => {
      const primitives = c.get("primitives");
      const { known, wait = "0", newest } = c.req.query();
      const parked = Math.min(Number(wait), LIMITS.longPoll);
      const watch = (signal: AbortSignal) =>
        newest !== undefined && primitives.watchNewest
          ? primitives.watchNewest(Number(known), parked, signal)
          : primitives.watch(Number(known), parked, signal);
      const reply =
        known === undefined
          ? await asked(primitives, () => primitives.status())
          : await asked(primitives, watch, parked);
      if (!("waiters" in reply)) throw refusedBy(reply);
      return c.json(toWireStatus(c.get("id"), reply, Date.now()));
    },
  );
}
