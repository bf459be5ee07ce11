import { env } from "cloudflare:workers";
import { type Locks, connectLocks } from "../../src/client.ts";
import { createLockService } from "../../src/service.ts";

export const TOKEN = "a-token-for-the-tests";
const ORIGIN = "https://locks.example";

const service = createLockService({ lock: env.DURABLE_LOCK, tokens: TOKEN });

/** What happens to a request on its way to the service. `serve` lets it arrive. */
export type Way = (request: Request, serve: (request: Request) => Promise<Response>) => Promise<Response>;

/** A connection to the service, with `way` in between. */
export function connectOver(way: Way = (request, serve) => serve(request), token = TOKEN): Locks {
  const serve = (request: Request) => service.fetch(request);
  return connectLocks({ url: ORIGIN, token, fetch: async (url, init) => way(new Request(url, init), serve) });
}
