// The first library's way, in code of our own: a read, two writes and an alarm for each grant, and callers that poll.
import { DurableObject } from "cloudflare:workers";
import { firstLibraryContestant } from "../contestants/first-library.ts";
import { perform } from "../work/perform.ts";
import { answer } from "./answer.ts";

const DAY = 86_400_000;

export class FirstLock extends DurableObject {
  override async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const lease = searchParams.get("lease");
    const reply =
      pathname === "/acquire"
        ? await this.#acquire(Number(searchParams.get("ttl")), lease === null ? undefined : Number(lease))
        : await this.#release(Number(lease));
    return Response.json(reply);
  }

  override async alarm(): Promise<void> {
    await this.ctx.storage.deleteAll();
  }

  async #acquire(ttl: number, known: number | undefined): Promise<object> {
    const stored = await this.ctx.storage.get<number>(["lease", "deadline"]);
    const [lease = 0, deadline = 0] = [stored.get("lease"), stored.get("deadline")];
    const now = Date.now();
    if (deadline > now && known !== lease) return { success: false, reason: "BORROWED" };
    const next = known ?? lease + 1;
    await Promise.all([
      this.ctx.storage.put("lease", next),
      this.ctx.storage.put("deadline", now + ttl),
      this.ctx.storage.setAlarm(now + DAY),
    ]);
    return { success: true, lease: next, deadline: now + ttl };
  }

  async #release(lease: number): Promise<object> {
    if (lease !== (await this.ctx.storage.get<number>("lease"))) return { success: false, reason: "NO_LONGER_VALID" };
    await this.ctx.storage.put("deadline", 0);
    return { success: true };
  }
}

interface Env {
  FIRST_LOCK: DurableObjectNamespace<FirstLock>;
}

export default {
  fetch: (request, { FIRST_LOCK: namespace }) =>
    answer(request, (order) =>
      perform(
        firstLibraryContestant((id) => namespace.getByName(id)),
        order,
      ),
    ),
} satisfies ExportedHandler<Env>;
