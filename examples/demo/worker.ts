import { useDurableLock } from "../../src/index.ts";
import { crash, deposit, depositLocked } from "./deposit.ts";

export { DurableLock } from "../../src/index.ts";
export { Account } from "./account.ts";

/** Each request is one worker that races with all the others. */
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const text = (name: string) => searchParams.get(name) ?? "";
    const number = (name: string) => Number(text(name));
    const asking = () => ({ owner: text("owner"), ttl: number("ttl") });
    const order = () => ({ amount: number("amount"), work: number("work") });

    const account = env.ACCOUNT.getByName(text("account"));
    const lock = useDurableLock(env.DURABLE_LOCK, `account:${text("account")}`);

    switch (`${request.method} ${pathname}`) {
      case "POST /deposit":
        return Response.json(await deposit(account, order()));
      case "POST /deposit-locked":
        return Response.json(await depositLocked(account, lock, { ...order(), ...asking() }));
      case "POST /crash":
        return Response.json(await crash(account, lock, asking()));
      case "POST /release":
        return Response.json(await lock.release(number("lease")));
      case "GET /balance":
        return Response.json(await account.balance());
      case "GET /status":
        return Response.json(await lock.status());
      default:
        return new Response("Not found", { status: 404 });
    }
  },
} satisfies ExportedHandler<Env>;
