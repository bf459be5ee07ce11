import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { LIMITS } from "../../core/limits.ts";
import type { FollowReply } from "../../core/replies.ts";
import { rpcStub } from "../../transport/rpc/rpc-stub.ts";
import { timeBox, TIMED_OUT } from "../../transport/time-box.ts";
import { toWireStatus } from "../../wire/status.ts";
import { asked } from "../request/call-lock.ts";
import type { Application, ServiceEnv } from "../request/context.ts";
import { ProblemError, refusedBy } from "../request/problem-error.ts";
import { onGet } from "../request/route.ts";

/** How often the stream sends something, in ms, so that no proxy takes it for dead. This does not ask the lock. */
const HEARTBEAT = 4_000;

/** How often the status is sent at most, in milliseconds: a lock may change a thousand times a second. */
const PAUSE = 100;

/** How long a stream lasts; then its reader connects again, maybe to a newer version. */
const LASTS = 300_000;

/** The status of a lock as it changes, as server-sent events. */
export function addEvents(service: Application): void {
  onGet(
    service,
    {
      suffix: "/events",
      action: "read",
      summary: "Streams the status and the latest events as they change, for five minutes: then connect again.",
      answer: z.string().openapi({
        description:
          "Events named `status`, with the status and its `timeline` as JSON. The header `Token-Actions` lists what the token may do with the lock.",
      }),
      type: "text/event-stream",
    },
    async (c) => {
      // Before the stream begins: a lock that can't be followed is refused by its status.
      const first = await follow(c, undefined, 0);
      return c.body(eventsOf(c, first), 200, {
        "Content-Type": "text/event-stream",
        // Its token may do these here: they go for the same ids as "read", by which it was let in.
        "Token-Actions": c.get("grantee").actions.join(", "),
      });
    },
  );
}

/** Pulled by its reader, so that a slow reader gets fewer events, and none pile up. */
function eventsOf(c: Context<ServiceEnv>, first: FollowReply): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const until = Date.now() + LASTS;
  let known = "";
  let pending: Promise<FollowReply> | undefined = Promise.resolve(first);
  return new ReadableStream({
    async pull(controller) {
      if (Date.now() >= until) return controller.close();
      try {
        pending ??= next(c, known);
        // Its reader may have gone by the time it fails.
        pending.catch(() => {});
        const news = await timeBox(pending, HEARTBEAT, undefined);
        if (news === TIMED_OUT) return controller.enqueue(encoder.encode(": still here\n\n"));
        controller.enqueue(encoder.encode(news.revision === known ? ": nothing new\n\n" : eventOf(c.get("id"), news)));
        known = news.revision;
        pending = undefined;
      } catch (error) {
        const { problem } = error instanceof ProblemError ? error : refusedBy({ success: false, reason: "QUEUE_FULL" });
        controller.enqueue(encoder.encode(`event: problem\ndata: ${JSON.stringify(problem)}\n\n`));
        controller.close();
      }
    },
  });
}

async function next(c: Context<ServiceEnv>, known: string): Promise<FollowReply> {
  await scheduler.wait(PAUSE);
  return follow(c, known, LIMITS.longPoll);
}

async function follow(c: Context<ServiceEnv>, known: string | undefined, wait: number): Promise<FollowReply> {
  const id = c.get("id");
  const reply = await asked(
    c.get("primitives"),
    async () => await rpcStub(c.env.lock, id, "follow").follow(known, wait),
    wait,
  );
  if ("status" in reply) return reply;
  throw refusedBy(reply);
}

function eventOf(id: string, { status, now, timeline }: FollowReply): string {
  return `event: status\ndata: ${JSON.stringify({ ...toWireStatus(id, status, now), timeline })}\n\n`;
}
