import type { RefusalReply } from "../core/replies.ts";
import { isLockError } from "../errors.ts";
import { everything, oneOfMany } from "./claims.ts";
import type { Hold } from "./held-lease.ts";
import { refused, tryHold } from "./hold.ts";
import { type HoldOptions, checkCombined, checkHold } from "./options.ts";
import type { LockPrimitives } from "./primitives.ts";
import { ANSWER_WITHIN, callObject } from "./retry.ts";
import { timeBox } from "./time-box.ts";
import type { WebLockInfo, WebLockManager, WebLockSnapshot } from "./web-lock-manager.ts";
import { checkRequest } from "./web-lock-options.ts";
import { runUnder } from "./with-lock.ts";

/** How the locks of a manager are held. */
export type WebLocksOptions = Pick<HoldOptions, "ttl" | "bound">;

/** The Web Locks API over any transport. */
export function createWebLocks(
  primitivesOf: (name: string) => LockPrimitives,
  options: WebLocksOptions | undefined,
): WebLockManager {
  const terms = checkCombined(options, ["ttl", "bound"]) as WebLocksOptions;
  checkHold(terms, everything);
  const clientId = crypto.randomUUID();
  const held = new Set<WebLockInfo>();
  const pending = new Set<WebLockInfo>();

  async function request<T>(name: string, ...rest: unknown[]): Promise<Awaited<T>> {
    const { callback, mode, steal, ifAvailable, signal } = checkRequest<T>(name, rest);
    const primitives = primitivesOf(name);
    const wait = ifAvailable || steal ? 0 : Number.POSITIVE_INFINITY;
    const asked = { ...terms, owner: clientId, wait, ...(signal && { signal }) };
    const holding = checkHold(asked, mode === "shared" ? oneOfMany : everything);
    holding.request.steal = steal;
    const info = { name, mode, clientId };
    const hold = await listed(pending, info, asWebLock(tryHold(primitives, holding), signal));
    if ("held" in hold) {
      const work = runUnder(hold, ({ lease, signal: lost }) => callback({ name, mode, lease, signal: lost }));
      return listed(held, info, untilLost(work as Promise<Awaited<T>>, hold.held.signal));
    }
    if (ifAvailable && hold.reason === "BORROWED") return await callback(null);
    throw refused(primitives, holding, hold);
  }

  const query = async (name?: string): Promise<WebLockSnapshot> =>
    name === undefined ? { held: [...held], pending: [...pending] } : snapshotOf(primitivesOf(name));
  return { request, query };
}

/** Lists a request for as long as it is pending or held. */
async function listed<T>(list: Set<WebLockInfo>, info: WebLockInfo, work: Promise<T>): Promise<T> {
  list.add(info);
  try {
    return await work;
  } finally {
    list.delete(info);
  }
}

/**
 * As the standard says, an abort rejects at once. The request is cancelled in the background, and so is a grant that
 * came in the same turn. A grant that arrives after its lease has ended is a lost lock.
 */
async function asWebLock<T extends Hold | RefusalReply>(hold: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return (await timeBox(hold, Number.POSITIVE_INFINITY, signal)) as T;
  } catch (error) {
    if (!signal?.aborted) throw lostAsAbort(error);
    void hold.then((late) => ("held" in late ? late.release() : undefined)).catch(() => {});
    throw signal.reason;
  }
}

/** As the standard has it: the victim's request rejects at once, though its callback may run on. */
async function untilLost<T>(work: Promise<T>, lost: AbortSignal): Promise<T> {
  try {
    return (await timeBox(work, Number.POSITIVE_INFINITY, lost)) as T;
  } catch (error) {
    throw lost.aborted ? lostAsAbort(error) : error;
  }
}

function lostAsAbort(error: unknown): unknown {
  if (!isLockError(error, "LEASE_LOST")) return error;
  return Object.assign(new DOMException(error.message, "AbortError"), { cause: error });
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
