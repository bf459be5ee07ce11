import { z } from "@hono/zod-openapi";
import { LIMITS } from "../../core/limits.ts";
import { checkConversion, checkRequest, checkRequestIdOption } from "../../core/request.ts";
import { fromWireNumber, UNLIMITED } from "../../wire/numbers.ts";
import { PROBLEMS } from "../../wire/problem.ts";

// The service checks a body only here. The schema checks the shape and the bounds that an OpenAPI document can
// describe. The core checks the rest and builds the lock's request.

const newId = () => crypto.randomUUID();

function named<T extends { requestId?: string | undefined }>({ requestId, ...rest }: T) {
  return { ...rest, requestId: checkRequestIdOption({ requestId }, newId) };
}

const wholeFrom = (min: number, max: number = Number.MAX_SAFE_INTEGER) => z.int().min(min).max(max);
const unlimited = z.literal(UNLIMITED);
const text = z.string().min(1).max(LIMITS.maxTextBytes);

const ttl = wholeFrom(1, LIMITS.maxTtl).openapi({
  description: "How long the lease lasts, in milliseconds.",
  example: 30_000,
});
const lease = wholeFrom(1).openapi({
  description: "The lease number from the answer to acquire.",
  example: 1_795_000_000_000_000,
});
const requestId = text
  .openapi({ description: "Identifies the request: repeating it has no second effect. Random if absent." })
  .optional();
const permits = wholeFrom(1).openapi({ description: "How many permits to take out of `capacity`. Needs `capacity`." });
const permitsAsked = permits.openapi({ default: 1 }).optional();
const capacity = z.union([wholeFrom(1), unlimited]).openapi({
  description: "How many permits there are in all. Without `permits` and `capacity`, the lease is exclusive.",
});

export const Acquire = z
  .strictObject({
    ttl,
    wait: z
      .union([wholeFrom(0, LIMITS.maxWait), unlimited])
      .openapi({
        description: "How long to wait in the queue, in milliseconds. One request is parked for at most 25 s.",
        default: 0,
      })
      .optional(),
    longPoll: wholeFrom(1, LIMITS.longPoll)
      .openapi({
        description:
          "How long this one request may be parked, in milliseconds. Choose less than the time after which a proxy cuts it off.",
        default: LIMITS.longPoll,
      })
      .optional(),
    waited: wholeFrom(0)
      .openapi({
        description:
          "How long this caller has waited so far, in milliseconds: 0 in the first call, more in each repetition.",
        default: 0,
      })
      .optional(),
    owner: text.openapi({ description: "A label for people.", example: "worker-7" }).optional(),
    permits: permitsAsked,
    capacity: capacity.optional(),
    requestId,
    lockDelay: wholeFrom(0, LIMITS.maxTtl)
      .openapi({
        description: "How long after the lease expires the lock is granted to nobody else, in milliseconds.",
        default: 0,
      })
      .optional(),
    steal: z
      .boolean()
      .openapi({
        description: 'Take the lock from all holders, ahead of all waiters. Needs the action "admin".',
        default: false,
      })
      .optional(),
    once: z
      .string()
      .max(LIMITS.maxTextBytes)
      .openapi({ description: "For a once-only job: the fingerprint of its payload, or an empty text if it has none." })
      .optional(),
  })
  .openapi("Acquire")
  .transform(({ ttl: lasts, wait, capacity: outOf, ...rest }) =>
    checkRequest(lasts, { ...rest, wait: fromWireNumber(wait), capacity: fromWireNumber(outOf) }, newId),
  );

const value = z.unknown().openapi({
  description: "The result of the job: any JSON. Absent if there is no result, or if `encoded` is present.",
});
const encoded = z.unknown().openapi({
  description:
    "In place of `value`, a result that JSON can't represent, such as a date: a table in the format of the npm package devalue.",
});

export const Renew = z.strictObject({ lease, ttl, requestId }).openapi("Renew").transform(named);
export const Convert = z
  .strictObject({ lease, permits: permitsAsked, capacity: capacity.optional(), requestId })
  .openapi("Convert")
  .transform(({ lease: converted, capacity: outOf, ...rest }) => ({
    lease: converted,
    ...checkConversion({ ...rest, capacity: fromWireNumber(outOf) }, newId),
  }));
export const Release = z
  .strictObject({
    lease,
    requestId,
    result: z
      .strictObject({
        value: value.optional(),
        encoded: encoded.optional(),
        failed: z.boolean().openapi({ default: false }).optional(),
        retain: wholeFrom(1, LIMITS.maxRetain).openapi({
          description: "How long to keep the result, in milliseconds.",
        }),
      })
      .openapi({
        description: "The result of a once-only job. The lock stores it together with the release, or does neither.",
      })
      .optional(),
  })
  .openapi("Release")
  .transform(named);
export const Named = z.strictObject({ requestId: text }).openapi("Named").transform(named);
export const MaybeNamed = z.strictObject({ requestId }).openapi("MaybeNamed").transform(named);

const clock = z.number().openapi({ description: "By the service's clock, in milliseconds since the epoch." });

export const Granted = z
  .object({
    lease,
    deadline: clock,
    validFor: z.number().openapi({ description: "How long the lease is valid, in milliseconds." }),
    releaseRequested: z.boolean().optional(),
  })
  .openapi("Granted");
export const Recorded = z
  .object({ recorded: z.object({ value: value.optional(), encoded: encoded.optional(), failed: z.boolean(), lease }) })
  .openapi("Recorded");
export const Released = z.object({ released: z.literal(true) }).openapi("Released");
export const Cancelled = z.object({ cancelled: z.literal(true) }).openapi("Cancelled");
export const Requested = z.object({ requested: z.literal(true) }).openapi("Requested");
export const ForceReleased = z.object({ lease }).openapi("ForceReleased");

const claim = { exclusive: z.boolean(), permits, capacity };
const holder = z
  .object({
    lease,
    owner: z.string().optional(),
    since: clock,
    // `ttl` and `renewedAt` are absent if the lock's object runs an older version.
    ttl: z
      .number()
      .openapi({ description: "How long the lease lasts from its last renewal, in milliseconds." })
      .optional(),
    renewedAt: z
      .number()
      .openapi({
        description:
          "When the lease was last renewed, or granted if it was never renewed, by the service's clock, in milliseconds since the epoch.",
      })
      .optional(),
    deadline: clock,
    releaseRequested: z.boolean().optional(),
    ...claim,
  })
  .openapi("Holder");
const waiter = z.object({ owner: z.string().optional(), waited: z.number(), ...claim }).openapi("Waiter");
export const Status = z
  .object({
    id: z.string(),
    locked: z.boolean(),
    holders: z.array(holder),
    waiters: z.array(waiter),
    delayedUntil: clock.optional(),
    now: clock,
  })
  .openapi("Status");

export const Listed = z.object({ ids: z.array(z.string()), cursor: z.string().optional() }).openapi("Listed");

const reasons = Object.keys(PROBLEMS) as (keyof typeof PROBLEMS)[];
export const ProblemDetails = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    reason: z.enum(reasons),
    argument: z.string().optional(),
    retryAfter: z
      .number()
      .openapi({ description: "How long to wait before you try again, in milliseconds." })
      .optional(),
    share: z
      .literal(true)
      .openapi({ description: "The token's share of the lock is used up, not the lock itself." })
      .optional(),
    waiting: z
      .int()
      .openapi({
        description:
          "How many callers are in the queue. Only a waiter that keeps its queue entry and must ask again gets this.",
      })
      .optional(),
    place: z
      .int()
      .openapi({ description: "With `waiting`: the caller's position in the queue, 1 for the next in line." })
      .optional(),
    ended: z.enum(["released", "expired", "superseded"]).optional(),
    holders: z
      .array(z.object({ lease, owner: z.string().optional(), since: clock, deadline: clock }))
      .max(LIMITS.maxHoldersNamed)
      .openapi({
        description:
          'Who holds the lock, the oldest holder first; only the first few of many. Needs a token with the action "read".',
      })
      .optional(),
    moreHolders: z
      .int()
      .openapi({ description: "How many more hold the lock besides those in `holders`; absent if there are none." })
      .optional(),
  })
  .openapi("Problem");
