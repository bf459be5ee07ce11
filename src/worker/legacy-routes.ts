import { LIMITS } from "../core/limits.ts";
import { authenticated, forLock } from "./admission.ts";
import { asked } from "./asked.ts";
import type { Service } from "./context.ts";
import { onlyBy } from "./lock-route.ts";
import { refused } from "./refused.ts";

const PATHS = { acquire: "lock", release: "lock", isLocked: "read" } as const;

/** The paths of the first library, answered as the object itself answers plain requests. */
export function addLegacyRoutes(service: Service): void {
  for (const [name, action] of Object.entries(PATHS)) {
    const path = `/${name}/:id`;
    service.use(path, async (c, next) => {
      if (!c.env.legacy) throw refused("NOT_FOUND", "Use /v1, or turn the plain paths on with LEGACY_PATHS=1.");
      await next();
    });
    service.use(path, authenticated);
    service.get(path, forLock(action), async (c) => {
      const { searchParams } = new URL(c.req.url);
      // Named, so that the call can be repeated: else what a lost reply granted would stand in its own way.
      if (!searchParams.has("requestId")) searchParams.set("requestId", crypto.randomUUID());
      const url = `http://lock/${name}?${searchParams.toString()}`;
      const parked = Math.min(Math.max(0, Number(searchParams.get("wait")) || 0), LIMITS.slice);
      const answer = await asked(c.get("primitives"), () => c.env.lock.getByName(c.get("id")).fetch(url), parked);
      return new Response(answer.body, answer);
    });
    onlyBy(service, "GET", path);
  }
}
