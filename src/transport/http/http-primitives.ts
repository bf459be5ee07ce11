import { checkText, invalid } from "../../core/checks.ts";
import { LIMITS } from "../../core/limits.ts";
import { PROTOCOL } from "../../core/protocol.ts";
import type { AcquireReply, JobResult, RefusalReply, ReleaseReply, RenewReply } from "../../core/replies.ts";
import {
  type GrantedAnswer,
  type RecordedAnswer,
  hasLease,
  isAcquired,
  isDone,
  isGranted,
  isStatus,
} from "../../wire/answers.ts";
import { PROTOCOL_HEADER } from "../../wire/protocol.ts";
import { toAcquireBody, toClaimBody, toResult } from "../../wire/requests.ts";
import { fromWireResult } from "../../wire/result-codec.ts";
import { fromWireStatus } from "../../wire/status.ts";
import { ANSWER_WITHIN } from "../call.ts";
import { type Fault, CUT_AFTER } from "../fault.ts";
import type { LockPrimitives } from "../primitives.ts";
import { clearTimer } from "../time-box.ts";
import { unexpectedRefusal } from "../version-mismatch.ts";
import type { PollLength } from "./poll-length.ts";
import { reach } from "./reach.ts";
import { readAnswer } from "./read-answer.ts";
import type { ServiceAccess } from "./service-access.ts";

/**
 * A little longer than the caller waits, in milliseconds, so that an abandoned call does not keep a connection forever.
 */
const CALL_WITHIN = ANSWER_WITHIN + 1_000;

type Shape<T> = (body: object) => body is T & object;

/** The limits of a call. */
interface CallBounds {
  /** How long the service may park the call, in milliseconds. @default 0 */
  parked?: number;
  signal: AbortSignal | undefined;
  /** Whether the body has a job's result: nothing else can make a body too long for a proxy. @default false */
  hasResult?: boolean;
}

/** What a watch waits for. */
interface Watched {
  known: number;
  wait: number;
  newest?: boolean;
}

/** Calls to one lock of a service. */
interface Calls {
  get: <T extends object>(shape: Shape<T>, query: string, bounds: CallBounds) => Promise<T | RefusalReply>;
  post: <T extends object>(
    shape: Shape<T>,
    name: string,
    body: object,
    bounds: CallBounds,
  ) => Promise<T | RefusalReply>;
}

/**
 * The primitives over HTTP. There is no `watchExit`: no connection outlives its request, so none can show a holder's
 * end.
 */
export function httpPrimitives(access: ServiceAccess, polls: PollLength, id: string): LockPrimitives {
  const { get, post } = callsTo(access, polls, id);
  const status = async (query: string, bounds: CallBounds) => {
    const answer = await get(isStatus, query, bounds);
    return isRefusal(answer) ? answer : fromWireStatus(answer);
  };
  const watch = ({ known, wait, newest }: Watched, signal: AbortSignal | undefined) => {
    const parked = Math.min(wait, LIMITS.longPoll);
    return status(`?known=${known}&wait=${parked}${newest ? "&newest=true" : ""}`, { parked, signal });
  };
  return {
    id,
    key: `${access.base} ${id}`,
    url: access.base,
    longPoll: () => polls.next(),
    acquire: async (request, signal, onQueued) => {
      const bounds = { parked: Math.min(request.wait, request.longPoll ?? LIMITS.longPoll), signal };
      const answer = post(isAcquired, "acquire", toAcquireBody(request), bounds);
      // The answer comes only with the grant: nothing earlier shows that the request has arrived.
      onQueued?.();
      return acquired(await answer);
    },
    renew: async (lease, ttl, requestId, signal) =>
      granted(await post(isGranted, "renew", { lease, ttl, requestId }, { signal })),
    convert: async (lease, claim, requestId, signal) =>
      granted(await post(isGranted, "convert", { lease, ...toClaimBody(claim), requestId }, { signal })),
    release: (lease, requestId, result, signal) => release(post, { lease, requestId, result }, signal),
    cancel: (requestId, signal) => post(isDone("cancelled"), "cancel", { requestId }, { signal }),
    isLocked: async (signal) => (await snapshot(status, signal)).locked,
    status: (signal) => snapshot(status, signal),
    watch: (known, wait, signal) => watch({ known, wait }, signal),
    watchNewest: (known, wait, signal) => watch({ known, wait, newest: true }, signal),
    forceRelease: async (requestId, signal) => {
      const answer = await post(hasLease, "force-release", { requestId }, { signal });
      return isRefusal(answer) ? answer : answer.lease;
    },
    requestRelease: (requestId, signal) => post(isDone("requested"), "request-release", { requestId }, { signal }),
  };
}

function callsTo(access: ServiceAccess, polls: PollLength, id: string): Calls {
  const url = `${access.base}/v1/locks/${encodeURIComponent(id)}`;
  const headers = { Authorization: `Bearer ${access.token}`, [PROTOCOL_HEADER]: String(PROTOCOL) };
  const json = { ...headers, "Content-Type": "application/json" };
  return {
    get: (shape, query, bounds) =>
      measured(polls, bounds, (given) => send(access, shape, url + query, given, { headers })),
    post: (shape, name, body, bounds) => {
      const init = { method: "POST", headers: json, body: JSON.stringify(body) };
      return measured(polls, bounds, (given) => send(access, shape, `${url}/${name}`, given, init));
    },
  };
}

/** Sends one request, and learns from its outcome how long a poll may take over this route. */
async function measured<T>(
  polls: PollLength,
  bounds: CallBounds,
  call: (bounds: CallBounds) => Promise<T>,
): Promise<T> {
  const { parked = 0 } = bounds;
  if (parked === 0) return call(bounds);
  const sentAt = performance.now();
  try {
    const answer = await call(bounds);
    if (performance.now() - sentAt >= parked) polls.passed(parked);
    return answer;
  } catch (error) {
    if ((error as Fault).isCut !== true) throw error;
    const cutAfter = performance.now() - sentAt;
    if (cutAfter > CUT_AFTER) polls.cut(cutAfter);
    throw Object.assign(error as Fault, { cutAfter });
  }
}

/**
 * Sends one request. One time limit covers it and its answer. The timer must be cleared, or thousands would pile up.
 */
async function send<T extends object>(
  { base, fetch }: ServiceAccess,
  shape: Shape<T>,
  url: string,
  { parked = 0, signal, hasResult = false }: CallBounds,
  init: RequestInit,
): Promise<T | RefusalReply> {
  signal?.throwIfAborted();
  const giveUp = new AbortController();
  const onAbort = () => giveUp.abort();
  const timer = setTimeout(onAbort, parked + CALL_WITHIN);
  signal?.addEventListener("abort", onAbort);
  try {
    // Don't follow redirects: the token is for this service alone.
    const response = await reach(base, () => fetch(url, { ...init, redirect: "manual", signal: giveUp.signal }));
    if (hasResult && response.status === 413) return await tooLarge(response);
    return await readAnswer(base, response, shape);
  } catch (error) {
    // This call aborted the request itself, so nothing on the way has cut it.
    if (giveUp.signal.aborted && (error as Fault).isCut) (error as Fault).isCut = false;
    throw error;
  } finally {
    clearTimer(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Gets the status without a wait, which the object never refuses. */
async function snapshot(
  status: (query: string, bounds: CallBounds) => ReturnType<LockPrimitives["watch"]>,
  signal: AbortSignal | undefined,
) {
  const answer = await status("", { signal });
  if (isRefusal(answer)) throw unexpectedRefusal(answer);
  return answer;
}

/** A job's result must be read exactly as it was written. If it can't be, refuse it while the lease is still live. */
async function release(
  post: Calls["post"],
  { lease, requestId, result }: { lease: number; requestId: string; result: JobResult | undefined },
  signal: AbortSignal | undefined,
): Promise<ReleaseReply> {
  const encoded = result && toResult(result);
  if (encoded && "reason" in encoded) return { success: false, ...encoded };
  const body = { lease, requestId, ...(encoded && { result: encoded }) };
  const answer = await post(isDone("released"), "release", body, { signal, hasResult: encoded !== undefined });
  return isRefusal(answer) ? answer : true;
}

/** The refusal when the service, or a proxy on the way, takes no body of that length. */
async function tooLarge(response: Response): Promise<RefusalReply> {
  // Cancel the unread body, so that the connection is free for the release without the result.
  await response.body?.cancel().catch(() => {});
  return { success: false, reason: "RESULT_TOO_LARGE" };
}

function acquired(answer: GrantedAnswer | RecordedAnswer | RefusalReply): AcquireReply {
  if (!("recorded" in answer)) return granted(answer);
  const { failed, lease, ...carried } = answer.recorded;
  const read = fromWireResult(carried);
  if ("reason" in read) return { success: false, reason: "RESULT_NOT_CLONEABLE", message: read.message };
  return { success: false, reason: "RECORDED", result: { ...read, failed, lease } };
}

function granted(answer: GrantedAnswer | RefusalReply): RenewReply {
  return isRefusal(answer) ? answer : { success: true, ...answer };
}

function isRefusal(answer: object): answer is RefusalReply {
  return "success" in answer && answer.success === false;
}

/** Refuses "." and "..": in a URL's path, encoded or not, they mean the current and the parent directory. */
export function checkNameable(id: string, argument: string): string {
  if (checkText(id, argument) !== "." && id !== "..") return id;
  throw invalid(argument, `the ${argument} "${id}" can't be part of a URL: use another one over HTTP.`);
}
