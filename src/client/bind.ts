import { invalid } from "../core/limits.ts";
import type { HoldNews } from "../core/replies.ts";
import type { Kept } from "./held-lease.ts";
import { lossMessage } from "./keep-alive.ts";
import type { HoldBounds } from "./options.ts";
import type { Binding, LockPrimitives } from "./primitives.ts";
import { lossOf } from "./release.ts";
import { ANSWER_WITHIN, callObject } from "./retry.ts";
import { TIMED_OUT, sleep, timeBox } from "./time-box.ts";

/** Between two attempts to bind while the object can't be reached, in milliseconds. */
const PAUSE = 1_000;

/** Refuses what this transport can't do, before anything is taken. */
export function checkBindable(primitives: LockPrimitives, { bound }: HoldBounds): void {
  if (bound && !primitives.bind)
    throw invalid("bound", "bound needs a transport that notices its caller's end; this one does not.");
}

/**
 * Binds a held lease to the life of this execution context, until it is released or lost.
 *
 * If it can't be bound the lease is given back: who asks for crash release must not believe in it without having it.
 */
export async function bindLease(primitives: LockPrimitives, kept: Kept): Promise<void> {
  try {
    const binding = await bindOnce(primitives, kept);
    if (binding) void keepBound(primitives, kept, binding);
  } catch (error) {
    await kept.release().catch(() => {});
    throw error;
  }
}

/** Listens to what the object tells of the lease, and binds it anew when the connection breaks. */
async function keepBound(primitives: LockPrimitives, kept: Kept, first: Binding): Promise<void> {
  const { over } = kept.keepAlive;
  let binding = first;
  for (let told = false; !over.aborted;) {
    const news = await nextNews(binding, told, over);
    if (news) told = heed(kept, news);
    else if (!over.aborted) binding = await bindAnew(primitives, kept, binding);
  }
  // Only when the release has been answered: let go of before, the lease would end as if its holder had died.
  await kept.release().catch(() => {});
  binding[Symbol.dispose]();
}

/** The next news; undefined if the connection broke or the hold is over. */
async function nextNews(binding: Binding, told: boolean, over: AbortSignal): Promise<HoldNews | undefined> {
  const news = binding.next(told).catch(() => undefined);
  const heard = await timeBox(news, Number.POSITIVE_INFINITY, over).catch(() => undefined);
  return heard === TIMED_OUT ? undefined : heard;
}

function heed(kept: Kept, { ended }: HoldNews): boolean {
  if (ended) lose(kept, ended === "expired" ? "expired" : "superseded");
  else kept.onReleaseRequested();
  return true;
}

/**
 * A cut connection looks like a death to the object: binding anew finds out whether it has drawn that conclusion.
 *
 * The old binding is let go of only then. The object heeds the latest, so its end does not end the lease.
 */
async function bindAnew(primitives: LockPrimitives, kept: Kept, old: Binding): Promise<Binding> {
  try {
    const binding = await bindOnce(primitives, kept);
    if (!binding) return old;
    old[Symbol.dispose]();
    return binding;
  } catch {
    await sleep(PAUSE, kept.keepAlive.over).catch(() => {});
    return old;
  }
}

/** The lease is bound, or known to be lost: then undefined. */
async function bindOnce(primitives: LockPrimitives, kept: Kept): Promise<Binding | undefined> {
  const { lease } = kept.held;
  const bounds = { id: primitives.id, within: ANSWER_WITHIN, signal: kept.keepAlive.over };
  const binding = await callObject(async () => primitives.bind?.(lease), bounds);
  if (binding?.success) return binding;
  if (binding) lose(kept, lossOf(binding));
  return undefined;
}

function lose({ held: { lease }, keepAlive }: Kept, why: "expired" | "superseded"): void {
  if (!keepAlive.over.aborted) keepAlive.lose(why, lossMessage(why, lease));
}
