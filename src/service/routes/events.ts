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

/** How often the stream sends something, in ms, so that no proxy considers it dead. Does not call the lock. */
const HEARTBEAT = 4_000;

/** The shortest pause between two statuses, in milliseconds: a lock may change a thousand times a second. */
const PAUSE = 100;

/** How long a stream lasts, in ms. Then its reader connects again, perhaps to a newer version of the service. */
const LASTS = 300_000;

/** The route that sends the status of a lock, as it changes, as server-sent events. */
export function addEvents(service: Application): void {
  onGet(
    service,
    {
      suffix: "/events",
      action: "read",
      summary: "Streams the status and the latest events as they change, for five minutes. Then connect again.",
      answer: z.string().openapi({
        description:
          "Events named `status`, with the status and the `timeline` as JSON. The header `Token-Actions` lists what the token may do with the lock.",
      }),
      type: "text/event-stream",
    },
    async (c) => {
      // Ask once before the stream begins, so that a refusal still gets its own HTTP status.
      const first = await follow(c, undefined, 0);
      return c.body(eventsOf(c, first), 200, {
        "Content-Type": "text/event-stream",
        // The token may do all of these here: its actions cover the same ids, and it may "read" this one.
        "Token-Actions": c.get("grantee").actions.join(", "),
      });
    },
  );
}

/** The reader pulls the events, so a slow reader gets fewer of them and none pile up. */
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
        // The reader may have gone by the time the call fails: avoid an unhandled rejection.
        pending.catch(() => {});
        const reply = await timeBox(pending, HEARTBEAT, undefined);
        if (reply === TIMED_OUT) return controller.enqueue(encoder.encode(": still here\n\n"));
        controller.enqueue(
          encoder.encode(reply.revision === known ? ": nothing new\n\n" : eventOf(c.get("id"), reply)),
        );
        known = reply.revision;
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
