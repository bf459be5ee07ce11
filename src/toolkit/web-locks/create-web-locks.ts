import { checkText } from "../../core/checks.ts";
import type { RefusalReply } from "../../core/replies.ts";
import { isLockError } from "../../errors.ts";
import type { LiveHold } from "../../hold/held-lease.ts";
import { refused } from "../../hold/refusal.ts";
import { type HoldRequest, tryHold } from "../../hold/start-hold.ts";
import { runUnder } from "../../hold/work.ts";
import { ANSWER_WITHIN, callObject } from "../../transport/call.ts";
import { markRequest } from "../../transport/own-request.ts";
import type { LockPrimitives } from "../../transport/primitives.ts";
import { timeBox } from "../../transport/time-box.ts";
import { everything, oneOfMany } from "../options/claim-rule.ts";
import { type HoldOptions, checkCombined, checkResume, holdingOf } from "../options/hold-options.ts";
import { WEB_LOCK_OPTIONS } from "../options/option-names.ts";
import { type TurnToSend, SendingOrder } from "./sending-order.ts";
import { type ListedWebLock, WebLockList } from "./web-lock-list.ts";
import type { WebLockInfo, WebLockManager, WebLockSnapshot } from "./web-lock-manager.ts";
import { type WebLockRequest, checkWebLockRequest, toText } from "./web-lock-request.ts";

/** How the locks of a manager are held. */
export interface WebLockManagerOptions extends Pick<HoldOptions, (typeof WEB_LOCK_OPTIONS)[number]> {
  /** The `clientId` of the manager, shown by `query()`; up to 512 bytes. @default a random id */
  owner?: string;
}

/** The Web Locks API over any transport. */
export function createWebLocks(
  primitivesOf: (name: string) => LockPrimitives,
  options: WebLockManagerOptions | undefined,
): WebLockManager {
  const spec = checkManagerOptions(options);
  const list = new WebLockList();
  const order = new SendingOrder();
  // Draw a random id with the first request: a manager may be made at module level, where a Worker has no randomness.
  let clientId = spec.owner;

  async function request<T>(...args: unknown[]): Promise<Awaited<T>> {
    const asked = checkWebLockRequest<T>(args);
    const { name, mode, ifAvailable, steal, signal } = asked;
    const primitives = primitivesOf(checkText(name, "name"));
    const owner = (clientId ??= crypto.randomUUID());
    const holding = takingOf({ ...spec, owner }, asked);
    const mark = markRequest();
    const turn = order.join(name, mark, signal);
    const listed = list.add({ name, mode, clientId: owner }, mark, !ifAvailable && !steal);
    try {
      const hold = await asWebLock(take(primitives, holding, turn, listed), signal);
      turn.arrived();
      if (!("held" in hold)) return await runWithout(primitives, holding, hold, asked);
      if (steal) list.loseHolds(name);
      listed.hold(hold);
      return await runAsWebLock(hold, asked);
    } finally {
      turn.arrived();
      listed.remove();
    }
  }

  async function query(name?: unknown): Promise<WebLockSnapshot> {
    if (name === undefined) return list.snapshot();
    return snapshotOf(primitivesOf(checkText(toText(name, "name"), "name")));
  }
  return { request, query };
}

function checkManagerOptions(options: WebLockManagerOptions | undefined): WebLockManagerOptions {
  const spec = checkCombined<WebLockManagerOptions>(options, WEB_LOCK_OPTIONS);
  const { owner, ...bounds } = spec;
  checkResume(bounds);
  if (owner !== undefined) checkText(owner, "owner");
  return spec;
}

function takingOf<T>(
  spec: WebLockManagerOptions,
  { mode, ifAvailable, steal, signal }: WebLockRequest<T>,
): HoldRequest {
  const wait = ifAvailable || steal ? 0 : Number.POSITIVE_INFINITY;
  const holding = holdingOf({ ...spec, wait, ...(signal && { signal }) }, mode === "shared" ? oneOfMany : everything);
  holding.request.steal = steal;
  return holding;
}

/** Takes the lock when the request may be sent. Each call is a sign of life, and reports its arrival at the object. */
async function take(
  primitives: LockPrimitives,
  holding: HoldRequest,
  turn: TurnToSend,
  { waits }: ListedWebLock,
): Promise<LiveHold | RefusalReply> {
  const acquire: LockPrimitives["acquire"] = (request, signal) => {
    waits();
    return primitives.acquire(request, signal, turn.arrived);
  };
  if (turn.come) await turn.come;
  return tryHold({ ...primitives, acquire }, holding);
}

/**
 * As the standard says, an abort rejects at once. In the background, the request is cancelled, and a grant from the
 * same turn is released. A grant that arrives after its lease has ended is a lost lock.
 */
async function asWebLock(
  hold: Promise<LiveHold | RefusalReply>,
  signal: AbortSignal | undefined,
): Promise<LiveHold | RefusalReply> {
  try {
    return (await timeBox(hold, Number.POSITIVE_INFINITY, signal)) as LiveHold | RefusalReply;
  } catch (error) {
    if (!signal?.aborted) throw lostAsAbort(error);
    void hold.then((late) => ("held" in late ? late.release() : undefined)).catch(() => {});
    throw signal.reason;
  }
}

/** Handles a request that was not granted. With `ifAvailable`, the callback gets null if the lock is taken. */
async function runWithout<T>(
  primitives: LockPrimitives,
  holding: HoldRequest,
  refusal: RefusalReply,
  { ifAvailable, callback }: WebLockRequest<T>,
): Promise<Awaited<T>> {
  if (ifAvailable && refusal.reason === "BORROWED") return await callback(null);
  throw refused(primitives, holding, refusal);
}

/**
 * Runs the callback. As the standard says, a lost lock's request rejects at once, though its callback may still run.
 */
async function runAsWebLock<T>(hold: LiveHold, { name, mode, callback }: WebLockRequest<T>): Promise<Awaited<T>> {
  const lost = hold.held.signal;
  const work = runUnder(hold, (held) =>
    callback({
      name,
      mode,
      lease: held.lease,
      // Read the signal only on access: in another request, that throws and says why.
      get signal() {
        return held.signal;
      },
    }),
  );
  try {
    return (await timeBox(work, Number.POSITIVE_INFINITY, lost)) as Awaited<T>;
  } catch (error) {
    throw lost.aborted ? lostAsAbort(error) : error;
  }
}

/** The loss of a lock, as the standard reports it. The `cause` says why. */
function lostAsAbort(error: unknown): unknown {
  if (!isLockError(error, "LEASE_LOST")) return error;
  const abort = new DOMException(error.message, "AbortError");
  return Object.defineProperty(abort, "cause", { value: error, writable: true, configurable: true });
}

async function snapshotOf(primitives: LockPrimitives): Promise<WebLockSnapshot> {
  const { id: name, url } = primitives;
  const bounds = { id: name, url, within: ANSWER_WITHIN };
  const { holders, waiters } = await callObject((signal) => primitives.status(signal), bounds);
  const infoOf = ({ exclusive, owner }: { exclusive: boolean; owner?: string }): WebLockInfo => ({
    name,
    mode: exclusive ? "exclusive" : "shared",
    ...(owner !== undefined && { clientId: owner }),
  });
  return { held: holders.map(infoOf), pending: waiters.map(infoOf) };
}
