import { type Transport, isLeftBehind, leaveBehind, endRequest, useLeftBehind, useNumber } from "./kept.ts";
import { useAll } from "./made.ts";
import { passDefault } from "./options.ts";

export { DurableLock, DurableRendezvous } from "durable-locks";
export { Keeper } from "./keeper.ts";

const TESTS: Readonly<Record<string, (search: URLSearchParams, env: Cloudflare.Env) => unknown>> = {
  "/all": useAll,
  "/leave-behind": (search) => leaveBehind(viaOf(search), idOf(search), search.has("stay")),
  "/end": (search) => endRequest(idOf(search)),
  "/use": (search) => useLeftBehind(viaOf(search), idOf(search)),
  "/number": (search) => useNumber(viaOf(search), idOf(search)),
  "/left-behind": (search) => isLeftBehind(idOf(search)),
  "/default": (search) => {
    const [type = "", option = "", byDefault = ""] = ["type", "option", "byDefault"].map(
      (name) => search.get(name) ?? "",
    );
    return passDefault(type, option, byDefault);
  },
  "/object": async (search, env) => {
    const keeper = env.KEEPER.getByName(idOf(search));
    await keeper.take(idOf(search));
    return keeper.renewAndRelease();
  },
};

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const result = await TESTS[pathname]?.(searchParams, env);
    return Response.json(result);
  },
} satisfies ExportedHandler<Cloudflare.Env>;

const idOf = (search: URLSearchParams) => search.get("id") ?? "";
const viaOf = (search: URLSearchParams) => search.get("via") as Transport;
