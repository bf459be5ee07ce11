import { useAll } from "./made.ts";

export { DurableLock, DurableRendezvous } from "durable-locks";
export { Keeper } from "./keeper.ts";

export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/all") return Response.json(await useAll());
    return new Response("There is no such test.", { status: 404 });
  },
} satisfies ExportedHandler<Cloudflare.Env>;
