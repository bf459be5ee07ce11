import { evictDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect, vi } from "vitest";
import {
  type ExitWatchReply,
  type HeldLease,
  type HoldOptions,
  type Lock,
  type LockPrimitives,
  createLock,
  DurableLock,
} from "../../src/index.ts";
import { ContextHandles } from "../../src/object/handles/context-handles.ts";
import { rpcPrimitives } from "../../src/transport/rpc/rpc-primitives.ts";
import { faultyNamespace } from "./faulty-namespace.ts";
import { freshId, lockOf, stubOf } from "./locks.ts";

/** A ttl of a minute: what a test sees sooner is not caused by the ttl or by a renewal. */
export const RELEASE_ON_EXIT = { ttl: 60_000, releaseOnExit: true } satisfies HoldOptions;
export const SOON = { timeout: 10_000, interval: 5 };

/** Spies, from now on, on all objects of this isolate: on calls of `watchExit`, and on removed context handles. */
export function spyOnWatches() {
  return {
    binds: vi.spyOn(DurableLock.prototype, "watchExit").mockClear(),
    cuts: vi.spyOn(ContextHandles.prototype, "remove").mockClear(),
  };
}

/** Holds the lock in a separate request, which ends without releasing once `gate` is free. Returns the lease number. */
export async function holdAndDie(
  id: string,
  params: Record<string, string> = { releaseOnExit: "true" },
): Promise<number> {
  const query = new URLSearchParams({ id, ...params }).toString();
  return Number(await (await exports.default.fetch(`http://worker/hold?${query}`)).text());
}

export async function untilFree(id: string): Promise<void> {
  await vi.waitFor(async () => expect(await lockOf(id).isLocked()).toBe(false), SOON);
}

export async function untilLost({ signal }: HeldLease): Promise<unknown> {
  await vi.waitFor(() => expect(signal.aborted).toBe(true), SOON);
  return signal.reason;
}

/** Expects that a hold leaves nothing behind: an eviction hangs while calls are in flight or handles are open. */
export async function expectNothingLeft(id: string): Promise<void> {
  await evictDurableObject(stubOf(id));
}

/** A namespace with which a test can cut the exit watch of its client, as a network does. */
export function cuttable(): { lock: Lock; id: string; cut: () => void; calls: { method: string }[] } {
  const id = freshId();
  let watch: (ExitWatchReply & Disposable) | undefined;
  const { namespace, calls } = faultyNamespace(async (method, run) => {
    const reply = await run();
    if (method === "watchExit") watch = reply as ExitWatchReply & Disposable;
    return reply;
  });
  return { lock: lockOf(id, namespace), id, cut: () => watch?.[Symbol.dispose](), calls };
}

/** The real transport with another `watchExit`. */
export function withWatchExit(id: string, watchExit: (real: () => Promise<unknown>) => Promise<unknown>): Lock {
  const real = rpcPrimitives(env.DURABLE_LOCK, id);
  return createLock({
    ...real,
    watchExit: (lease) =>
      watchExit(async () => real.watchExit?.(lease)) as ReturnType<NonNullable<LockPrimitives["watchExit"]>>,
  });
}
