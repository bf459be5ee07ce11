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
    service.get(path, authenticated, forLock(action), async (c) => {
      const { search } = new URL(c.req.url);
      const stub = c.env.lock.getByName(c.get("id"));
      const answer = await asked(c.get("primitives"), () => stub.fetch(`http://lock/${name}${search}`));
      return new Response(answer.body, answer);
    });
    onlyBy(service, "GET", path);
  }
}
