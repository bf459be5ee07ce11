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

/** A minute: whatever is seen sooner is not owed to the ttl or to a renewal. */
export const BOUND = { ttl: 60_000, releaseOnExit: true } satisfies HoldOptions;
export const SOON = { timeout: 10_000, interval: 5 };

/** What reaches any object of this isolate from now on, and the context handles of leases that it sees go. */
export function spyOnBonds() {
  return {
    binds: vi.spyOn(DurableLock.prototype, "watchExit").mockClear(),
    cuts: vi.spyOn(ContextHandles.prototype, "remove").mockClear(),
  };
}

/** Holds the lock in a request of its own, which ends without releasing once `gate` is free; answers the lease. */
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

/** An eviction waits for calls in flight and handles that are held: it succeeds if the hold has left none. */
export async function expectNothingLeft(id: string): Promise<void> {
  await evictDurableObject(stubOf(id));
}

/** A namespace that lets the test cut the ties of its client, as a network does. */
export function cuttable(): { lock: Lock; id: string; cut: () => void; calls: { method: string }[] } {
  const id = freshId();
  let bond: (ExitWatchReply & Disposable) | undefined;
  const { namespace, calls } = faultyNamespace(async (method, run) => {
    const reply = await run();
    if (method === "watchExit") bond = reply as ExitWatchReply & Disposable;
    return reply;
  });
  return { lock: lockOf(id, namespace), id, cut: () => bond?.[Symbol.dispose](), calls };
}

/** The real transport with another way to bind. */
export function withBind(id: string, bind: (real: () => Promise<unknown>) => Promise<unknown>): Lock {
  const real = rpcPrimitives(env.DURABLE_LOCK, id);
  return createLock({
    ...real,
    watchExit: (lease) =>
      bind(async () => real.watchExit?.(lease)) as ReturnType<NonNullable<LockPrimitives["watchExit"]>>,
  });
}
