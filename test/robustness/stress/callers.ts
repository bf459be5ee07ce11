import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect } from "vitest";
import { History, WRITER } from "../../support/history.ts";
import { stubOf } from "../../support/locks.ts";
import { countTimers } from "../../support/timers.ts";

export const CALLERS = 200;
export const IDS = 50;
export const WAIT = { wait: 60_000 };
export const locks = env.DURABLE_LOCK;
export const pause = () => new Promise<void>((resolve) => queueMicrotask(resolve));
export const pick = (count: number) => Math.floor(Math.random() * count);

export let ids: string[];
export let history: History;
let timers: ReturnType<typeof countTimers>;

/** All at once, each on an id that chance picks. */
export const everybody = <T>(call: (id: string, n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: CALLERS }, (_, n) => call(ids[pick(IDS)] as string, n)));

/** Work that others could run into: it yields to them, and to the network. */
export async function work(id: string, lease: number, claim = WRITER): Promise<void> {
  const { leave } = history.enter(id, lease, claim);
  await pause();
  await stubOf(id).isLocked();
  leave();
}

beforeEach(() => {
  ids = Array.from({ length: IDS }, () => `stress-${crypto.randomUUID()}`);
  history = new History();
  timers = countTimers();
});

// Generous: on a busy machine fifty questions take their time.
afterEach(async () => {
  // Of the client's timers none is left, nor of the objects', which run in the same process.
  for (let n = 0; timers.pending.size > 0 && n < 500; n += 1) await stubOf(ids[0] as string).isLocked();
  timers.restore();
  expect(timers.pending.size).toBe(0);
  expect(history.violations).toEqual([]);
  for (const id of ids) expect(await stubOf(id).status()).toEqual({ locked: false, holders: [], waiters: [] });
}, 60_000);
