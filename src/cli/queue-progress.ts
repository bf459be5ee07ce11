import type { Lock } from "../client/lock.ts";
import type { LockHolder, LockStatus } from "../core/replies.ts";
import { showDuration } from "./duration.ts";
import { type Reporter, printable } from "./reporter.ts";

/** How long a look at the queue may be parked; a change of holder ends it at once. */
const LOOK_EVERY = 3_000;
const REDRAW_EVERY = 1_000;
/** Who gets the lock at once is told nothing of a queue. */
const QUIET_FOR = 300;

/** Tells who holds the lock and what place `owner` has in the queue, until `over` fires. An outage is not its concern. */
export async function tellProgress(lock: Lock, owner: string, reporter: Reporter, over: AbortSignal): Promise<void> {
  const since = performance.now();
  let status: LockStatus | undefined;
  const draw = () => {
    if (!over.aborted && status?.locked) show(status, owner, performance.now() - since, reporter);
  };
  await pause(QUIET_FOR, over);
  const redraw = setInterval(draw, REDRAW_EVERY);
  over.addEventListener("abort", () => clearInterval(redraw));
  while (!over.aborted) {
    const seen = await look(lock, status, over).catch(() => undefined);
    if (seen) status = seen;
    else await pause(LOOK_EVERY, over);
    draw();
  }
}

async function look(
  { primitives }: Lock,
  before: LockStatus | undefined,
  over: AbortSignal,
): Promise<LockStatus | undefined> {
  if (!before) return primitives.status(over);
  const newest = Math.max(0, ...before.holders.map(({ lease }) => lease));
  const reply = await primitives.watch(newest, LOOK_EVERY, over);
  return "holders" in reply ? reply : undefined;
}

function show({ holders, waiters }: LockStatus, owner: string, waited: number, reporter: Reporter): void {
  const place = placeOf(waiters, owner, waited);
  // Not in the queue yet, or granted already.
  if (place === undefined) return;
  const line = `, place ${place} of ${waiters.length} in the queue`;
  const who = describeHolders(holders);
  const [first] = holders;
  const detail = first ? ` (for ${showDuration(Date.now() - first.since)}; waiting for ${showDuration(waited)})` : "";
  reporter.progress("waiting", `waiting: held by ${who}${line}`, detail, {
    holders,
    place,
    waiters: waiters.length,
    waited: Math.round(waited),
  });
}

/** Owners need not be unique; then it is the one who has waited about as long. */
function placeOf(waiters: LockStatus["waiters"], owner: string, waited: number): number | undefined {
  const away = (index: number) => Math.abs((waiters[index]?.waited ?? 0) - waited);
  const mine = [...waiters.keys()].filter((index) => waiters[index]?.owner === owner);
  const nearest = mine.sort((one, other) => away(one) - away(other))[0];
  return nearest === undefined ? undefined : nearest + 1;
}

/** Who holds it, in one phrase. */
export function describeHolders(holders: readonly LockHolder[]): string {
  const [first] = holders;
  if (!first) return "nobody";
  const name = first.owner === undefined ? `lease ${first.lease}` : printable(first.owner);
  return holders.length === 1 ? name : `${name} and ${holders.length - 1} more`;
}

/** Sleeps; wakes early when `over` fires. */
async function pause(ms: number, over: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    over.addEventListener("abort", done);
    function done(): void {
      clearTimeout(timer);
      over.removeEventListener("abort", done);
      resolve();
    }
  });
}
