import { invalid } from "../core/checks.ts";
import type { LeaseEvent, RefusalReply } from "../core/replies.ts";
import type { LeaseLoss } from "../errors.ts";
import { DEFAULT_BACKOFF, fullJitter } from "../transport/backoff.ts";
import { ANSWER_WITHIN, callObject } from "../transport/call.ts";
import type { ExitWatch, LockPrimitives } from "../transport/primitives.ts";
import { sleep, timeBox, TIMED_OUT } from "../transport/time-box.ts";
import type { HoldBounds, LiveHold } from "./held-lease.ts";
import { GRACE } from "./keep-alive.ts";
import { ADVICE, lossMessage, lossOf } from "./loss.ts";

/** A binding that lasted so long, in milliseconds, broke for a reason of its own: the next is tried at once. */
const LASTING = 10_000;

/** Refuses what this transport can't do, before anything is taken. */
export function checkExitWatch(primitives: LockPrimitives, { releaseOnExit }: HoldBounds): void {
  if (releaseOnExit && !primitives.watchExit)
    throw invalid("releaseOnExit", "bound needs a transport that notices its caller's end; this one does not.");
}

/**
 * Binds a held lease to the life of this execution context, until it is released or lost; throws if it can't be bound.
 *
 * It may be over, released or lost, before it is bound: then there is nothing to bind.
 */
export async function watchHold(primitives: LockPrimitives, kept: LiveHold): Promise<void> {
  const reply = await bindOnce(primitives, kept);
  if (reply?.success) void keepBound(primitives, kept, reply);
  else if (reply) lose(kept, reply, lossMessage);
}

/** Listens for the object's news of the lease, and sets up another exit watch when the connection breaks. */
async function keepBound(primitives: LockPrimitives, kept: LiveHold, first: ExitWatch): Promise<void> {
  const { over } = kept.keepAlive;
  let binding = first;
  let triedAt = performance.now();
  let attempt = 0;
  for (let told = false; !over.aborted;) {
    const news = await nextNews(binding, told, over);
    if (news) told = heed(kept, news) || told;
    if (news || over.aborted) continue;
    attempt = performance.now() - triedAt > LASTING ? 1 : attempt + 1;
    await sleep(fullJitter(attempt, DEFAULT_BACKOFF), over).catch(() => {});
    triedAt = performance.now();
    if (!over.aborted) binding = await bindAnew(primitives, kept, binding);
  }
  await letGo(kept, binding);
}

/** The next news; undefined if the connection broke or the hold is over. */
async function nextNews(binding: ExitWatch, told: boolean, over: AbortSignal): Promise<LeaseEvent | undefined> {
  const news = binding.next(told).catch(() => undefined);
  const heard = await timeBox(news, Number.POSITIVE_INFINITY, over).catch(() => undefined);
  return heard === TIMED_OUT ? undefined : heard;
}

/** Whether the holder has now been told that it is asked to release. */
function heed(kept: LiveHold, { ended, releaseRequested = false }: LeaseEvent): boolean {
  if (ended) lose(kept, { success: false, reason: "NO_LONGER_VALID", ended }, lossMessage);
  else if (releaseRequested) kept.onReleaseRequested();
  return releaseRequested;
}

/**
 * A cut connection looks like a death to the object: setting up another exit watch tells whether it has ended the lease.
 *
 * Disposes of the old exit watch only after that: the lease ends with the last of them.
 */
async function bindAnew(primitives: LockPrimitives, kept: LiveHold, old: ExitWatch): Promise<ExitWatch> {
  try {
    const reply = await bindOnce(primitives, kept);
    if (reply?.success) {
      old[Symbol.dispose]();
      return reply;
    }
    if (reply) lose(kept, reply, cutMessage);
  } catch {
    // Not known to be lost: it is kept by its renewals, and bound when the object can be reached again.
  }
  return old;
}

/** The binding, or why there is none; undefined if the hold was over before that was known. */
async function bindOnce(
  primitives: LockPrimitives,
  { held: { lease }, keepAlive: { over } }: LiveHold,
): Promise<ExitWatch | RefusalReply | undefined> {
  let wanted = true;
  let received: ExitWatch | undefined;
  const call = async (signal: AbortSignal) => {
    const reply = await primitives.watchExit?.(lease, signal);
    if (!reply?.success) return reply;
    received = reply;
    // The caller has given up, and an exit watch that nobody disposes of keeps the object in memory.
    if (!wanted) reply[Symbol.dispose]();
    return reply;
  };
  try {
    return await callObject(call, { id: primitives.id, url: primitives.url, within: ANSWER_WITHIN, signal: over });
  } catch (error) {
    wanted = false;
    received?.[Symbol.dispose]();
    if (over.aborted) return undefined;
    throw error;
  }
}

/** Disposes of the exit watch of a hold that has ended. */
async function letGo(kept: LiveHold, binding: ExitWatch): Promise<void> {
  // Dispose of the exit watch only after the release is answered. If you dispose of it earlier, the object assumes that
  // the holder has died.
  await kept.release().catch(() => {});
  // Lost by the local deadline, the lease has a margin left in which the work can stop, and no other is to be granted.
  if (kept.keepAlive.isLost()) await timeBox(binding.next(true), GRACE, undefined).catch(() => {});
  binding[Symbol.dispose]();
}

function lose({ held, keepAlive }: LiveHold, reply: RefusalReply, messageOf: typeof lossMessage): void {
  const why = lossOf(reply);
  if (!keepAlive.over.aborted) keepAlive.lose(why, messageOf(why, held.lease));
}

function cutMessage(_why: LeaseLoss, lease: number): string {
  return `Lease ${lease} was lost while its connection to the lock was cut, which looks like the death of its holder. ${ADVICE}`;
}
