import { createRoute, z } from "@hono/zod-openapi";
import { LIMITS } from "../../core/limits.ts";
import { checkAllowed } from "../request/admission.ts";
import type { Application } from "../request/context.ts";
import { refused } from "../request/problem-error.ts";
import { onlyBy, problems } from "../request/route.ts";
import { Listed } from "../request/schemas.ts";

const MOST_IDS = 1_000;
const text = z.string().max(LIMITS.maxTextBytes);

const query = z.strictObject({
  prefix: text.openapi({ description: "Lists the ids that begin with this. The token must cover it." }).optional(),
  cursor: text.openapi({ description: "Continues after this id: the `cursor` of the previous page." }).optional(),
  limit: z
    .string()
    .regex(/^[1-9]\d{0,3}$/, `must be a whole number from 1 to ${MOST_IDS}`)
    .openapi({ description: `How many ids to list, at most ${MOST_IDS}.` })
    .optional(),
});

/** The route that lists lock ids, if the index is on. */
export function addListing(service: Application): void {
  const route = createRoute({
    method: "get",
    path: "/v1/locks",
    operationId: "list",
    summary: 'Lists ids that were used recently. Needs the action "read" and the index.',
    request: { query },
    responses: { 200: { description: "Done.", content: { "application/json": { schema: Listed } } }, ...problems },
  });
  service.openapi(route, async (c) => {
    const { prefix = "", cursor = "", limit: asked = "100" } = c.req.valid("query");
    const limit = Math.min(Number(asked), MOST_IDS);
    checkAllowed(c.get("grantee"), "read", prefix);
    if (!c.env.index)
      throw refused("NOT_IMPLEMENTED", "This service does not list ids: bind LOCK_INDEX to turn the index on.");
    const ids = await c.env.index.list(prefix, cursor, limit);
    return c.json({ ids, ...(ids.length === limit && { cursor: ids.at(-1) as string }) }, 200);
  });
  onlyBy(service, "GET", "/v1/locks");
}
