import { DurableLock } from "../src/index.ts";

export { DurableLock };
export { Ledger } from "../examples/fencing-token.ts";

/** Requests of their own, so that a test can have a caller whose execution context ends. */
export default {
  async fetch(request, env) {
    const id = new URL(request.url).searchParams.get("id") ?? "";
    // Queues for the lock and ends without waiting for it, as a crashed or cancelled request does.
    const ticket = env.DURABLE_LOCK.getByName(id).enqueue(10_000, { wait: 60_000, owner: "dead" });
    void Promise.resolve(ticket.turn.granted()).catch(() => {});
    while ((await env.DURABLE_LOCK.getByName(id).status()).waiters.every(({ owner }) => owner !== "dead"));
    return new Response("gone");
  },
} satisfies ExportedHandler<Cloudflare.Env>;
