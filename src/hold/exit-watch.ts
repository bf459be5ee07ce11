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

/** After an exit watch that lasted at least this long, in milliseconds, the backoff starts again from the beginning. */
const LASTING = 10_000;

const NO_EXIT_WATCH =
  "releaseOnExit needs an exit watch, which this transport can't set up. A lock over HTTP has no connection that outlives a request, so nothing would notice that the holder has ended: use bindLocks in a Worker, or a short ttl.";

/** Refuses `releaseOnExit` before the lock is taken if this transport has no exit watches. */
export function checkExitWatch(primitives: LockPrimitives, { releaseOnExit }: HoldBounds): void {
  if (releaseOnExit && !primitives.watchExit) throw invalid("releaseOnExit", NO_EXIT_WATCH);
}

/**
 * Sets up an exit watch for a held lease and keeps one until the hold ends. Throws if the first can't be set up.
 *
 * The hold may end before the exit watch is set up. Then there is nothing to watch.
 */
export async function watchHold(primitives: LockPrimitives, hold: LiveHold): Promise<void> {
  const reply = await setUpWatch(primitives, hold);
  if (reply?.success) void keepWatched(primitives, hold, reply);
  else if (reply) lose(hold, reply, lossMessage);
}

/** Handles lease events until the hold ends, and sets up another exit watch whenever the connection breaks. */
async function keepWatched(primitives: LockPrimitives, hold: LiveHold, first: ExitWatch): Promise<void> {
  const { over } = hold.keepAlive;
  let watch = first;
  let triedAt = performance.now();
  let attempt = 0;
  for (let told = false; !over.aborted;) {
    const event = await nextEvent(watch, told, over);
    if (event) told = handleEvent(hold, event) || told;
    if (event || over.aborted) continue;
    attempt = performance.now() - triedAt > LASTING ? 1 : attempt + 1;
    await sleep(fullJitter(attempt, DEFAULT_BACKOFF), over).catch(() => {});
    triedAt = performance.now();
    if (!over.aborted) watch = await setUpAgain(primitives, hold, watch);
  }
  await stopWatching(hold, watch);
}

/** The next lease event; undefined if the connection broke or the hold has ended. */
async function nextEvent(watch: ExitWatch, told: boolean, over: AbortSignal): Promise<LeaseEvent | undefined> {
  const next = watch.next(told).catch(() => undefined);
  const event = await timeBox(next, Number.POSITIVE_INFINITY, over).catch(() => undefined);
  return event === TIMED_OUT ? undefined : event;
}

/** Handles a lease event. Returns whether it asks the holder to release. */
function handleEvent(hold: LiveHold, { ended, releaseRequested = false }: LeaseEvent): boolean {
  if (ended) lose(hold, { success: false, reason: "NO_LONGER_VALID", ended }, lossMessage);
  else if (releaseRequested) hold.onReleaseRequested();
  return releaseRequested;
}

/**
 * Sets up another exit watch. To the object a cut connection looks like the holder's death, so the reply to this call
 * shows whether the object has ended the lease.
 *
 * Disposes of the old exit watch only after the new one is set up: the lease ends with its last exit watch.
 */
async function setUpAgain(primitives: LockPrimitives, hold: LiveHold, old: ExitWatch): Promise<ExitWatch> {
  try {
    const reply = await setUpWatch(primitives, hold);
    if (reply?.success) {
      old[Symbol.dispose]();
      return reply;
    }
    if (reply) lose(hold, reply, cutMessage);
  } catch {
    // The lease may still be live: renewals keep it alive, and the next attempt may reach the object.
  }
  return old;
}

/** Sets up an exit watch. Returns it or the refusal, or undefined if the hold ended before the answer came. */
async function setUpWatch(
  primitives: LockPrimitives,
  { held: { lease }, keepAlive: { over } }: LiveHold,
): Promise<ExitWatch | RefusalReply | undefined> {
  let wanted = true;
  let received: ExitWatch | undefined;
  const call = async (signal: AbortSignal) => {
    const reply = await primitives.watchExit?.(lease, signal);
    if (!reply?.success) return reply;
    received = reply;
    // The caller has given up. Without this, the exit watch would keep the object in memory.
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
async function stopWatching(hold: LiveHold, watch: ExitWatch): Promise<void> {
  // Dispose of the exit watch only after the release is answered. If you dispose of it earlier, the object assumes that
  // the holder has died.
  await hold.release().catch(() => {});
  // A lease that is lost at its local deadline has a margin left in which the work can stop. Disposing of the exit
  // watch now would let the object grant the lock to another caller within that margin.
  if (hold.keepAlive.isLost()) await timeBox(watch.next(true), GRACE, undefined).catch(() => {});
  watch[Symbol.dispose]();
}

function lose({ held, keepAlive }: LiveHold, reply: RefusalReply, messageOf: typeof lossMessage): void {
  const why = lossOf(reply);
  if (!keepAlive.isOver) keepAlive.lose(why, messageOf(why, held.lease));
}

function cutMessage(_why: LeaseLoss, lease: number): string {
  return `Lease ${lease} was lost while its connection to the lock was cut: to the object, that looks like the holder's death. ${ADVICE}`;
}
