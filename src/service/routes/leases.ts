import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { PROTOCOL } from "../../core/protocol.ts";
import type { AcquireReply, GrantReply, JobResult, RecordedResult, RefusalReply } from "../../core/replies.ts";
import type { LockRequest } from "../../core/request.ts";
import { timeBox } from "../../transport/time-box.ts";
import { PROTOCOL_HEADER } from "../../wire/protocol.ts";
import { type ResultBody, fromResult } from "../../wire/requests.ts";
import { toWireResult } from "../../wire/result-codec.ts";
import { checkAllowed, shownTo } from "../request/admission.ts";
import { asked, askedInLine } from "../request/call-lock.ts";
import type { Application, ServiceEnv } from "../request/context.ts";
import { logEvent } from "../request/event-log.ts";
import { refused, refusedBy } from "../request/problem-error.ts";
import { onPost } from "../request/route.ts";
import { Acquire, Cancelled, Convert, Granted, Named, Recorded, Release, Released, Renew } from "../request/schemas.ts";

/** How long a grant waits for the call to the index if nothing else keeps that call alive, in milliseconds. */
const LISTED_WITHIN = 1_000;

/** The routes that acquire, renew, convert and end leases. */
export function addLeaseRoutes(service: Application): void {
  onPost(
    service,
    {
      name: "acquire",
      action: "lock",
      summary: "Takes the lock. With `wait`, joins the queue if it is taken.",
      body: Acquire,
      answer: z.union([Granted, Recorded]),
    },
    acquire,
  );
  onPost(
    service,
    {
      name: "renew",
      action: "lock",
      summary: "Sets the remaining time of a live lease.",
      body: Renew,
      answer: Granted,
    },
    async (c, { lease, ttl, requestId }) => {
      const primitives = c.get("primitives");
      return granted(c, await asked(primitives, () => primitives.renew(lease, ttl, requestId)));
    },
  );
  onPost(
    service,
    { name: "convert", action: "lock", summary: "Changes the claim of a live lease.", body: Convert, answer: Granted },
    async (c, { lease, claim, requestId }) => {
      const primitives = c.get("primitives");
      return granted(c, await asked(primitives, () => primitives.convert(lease, claim, requestId)));
    },
  );
  addEndings(service);
}

function addEndings(service: Application): void {
  onPost(
    service,
    {
      name: "release",
      action: "lock",
      summary: "Ends a live lease.",
      body: Release,
      answer: Released,
      hasResult: true,
    },
    async (c, { lease, requestId, result: sent }) => {
      const primitives = c.get("primitives");
      const result = sent && resultOf(sent);
      const reply = await asked(primitives, () => primitives.release(lease, requestId, result));
      if (reply !== true) throw refusedBy(reply);
      return c.json({ released: true });
    },
  );
  addCancellation(service);
}

function addCancellation(service: Application): void {
  onPost(
    service,
    {
      name: "cancel",
      action: "lock",
      summary: "Cancels a request, whether it still waits or was granted meanwhile.",
      body: Named,
      answer: Cancelled,
    },
    async (c, { requestId }) => {
      const primitives = c.get("primitives");
      const reply = await asked(primitives, () => primitives.cancel(requestId) as Promise<true | RefusalReply>);
      if (reply !== true) throw refusedBy(reply);
      return c.json({ cancelled: true });
    },
  );
}

async function acquire(c: Context<ServiceEnv>, request: LockRequest): Promise<Response> {
  const primitives = c.get("primitives");
  if (request.steal) checkAllowed(c.get("grantee"), "admin", c.get("id"));
  const reply = await askedInLine(primitives, request);
  if (reply.success) await note(c);
  if (reply.success && request.steal)
    logEvent({ event: "steal", tokenName: c.get("grantee").name, lock: c.get("id"), lease: reply.lease });
  return granted(c, reply);
}

/**
 * Lists the id in the index. The grant does not wait for that if the request's context can keep the call alive.
 *
 * Without a context the grant waits: otherwise the runtime would cancel the call when the response leaves, although
 * this isolate already counts the id as listed.
 */
async function note(c: Context<ServiceEnv>): Promise<void> {
  const noted = c.env.index?.note(c.get("id"));
  if (!noted) return;
  if (c.env.waitUntil) c.env.waitUntil(noted);
  else await timeBox(noted, LISTED_WITHIN, undefined);
}

function granted(c: Context<ServiceEnv>, reply: AcquireReply): Response {
  if (reply.success) return c.json(grantOf(reply), 200, { "Fencing-Token": String(reply.lease) });
  if (reply.reason === "RECORDED") return c.json({ recorded: recordedOf(c, reply.result) });
  throw refusedBy(shownTo(c, reply));
}

function grantOf({ lease, deadline, validFor, releaseRequested }: GrantReply) {
  return { lease, deadline, validFor, ...(releaseRequested && { releaseRequested }) };
}

/** The result in a release. Refuses JSON that would be read back as something else, and so could never be read. */
function resultOf(sent: ResultBody): JobResult {
  const result = fromResult(sent);
  if ("reason" in result) throw refusedBy({ success: false, ...result });
  return result;
}

/**
 * A recorded result. Throws if the answer would be incomplete. An earlier version may have stored a result that can't
 * be stored today. A caller that names no protocol, such as the client of version 0.1.0, may not know `encoded` and
 * would read the result as `undefined`.
 */
function recordedOf(c: Context<ServiceEnv>, { value, failed, lease }: RecordedResult) {
  const carried = toWireResult(value);
  if ("reason" in carried)
    throw refused("RESULT_NOT_CLONEABLE", "The job has run, but JSON can't carry its result: read it in a Worker.");
  if ("encoded" in carried && c.req.header(PROTOCOL_HEADER) === undefined)
    throw refused(
      "RESULT_NOT_CLONEABLE",
      `The job has run, but JSON can't represent its result: read it in a Worker, or send the header ${PROTOCOL_HEADER}: ${PROTOCOL} to get it encoded.`,
    );
  return { ...carried, failed, lease };
}
