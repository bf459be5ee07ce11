import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import { type DurableLock, type Lock, useDurableLock } from "../../src/index.ts";
import { freshId } from "./outcome.ts";

export { failureOf, freshId, outcome, sleep } from "./outcome.ts";

export function lockOf(id: string, namespace = env.DURABLE_LOCK): Lock {
  return useDurableLock(namespace, id);
}

export function freshLock(label?: string): Lock {
  return lockOf(freshId(label));
}

export function stubOf(id: string): DurableObjectStub<DurableLock> {
  return env.DURABLE_LOCK.getByName(id);
}

/** Ends the object as a crash or redeploy does: cuts the calls in flight, loses the memory, but not the storage. */
export async function crash(id: string): Promise<void> {
  await runInDurableObject(stubOf(id), (_lock, state) => state.abort("crashed by the test")).catch(() => {});
}

export async function holders(id: string): Promise<number> {
  return (await stubOf(id).status()).holders.length;
}

export async function waiters(id: string): Promise<(string | undefined)[]> {
  return (await stubOf(id).status()).waiters.map(({ owner }) => owner);
}

/** Waits until `count` callers are in the queue of the object. */
export async function untilWaiting(id: string, count: number): Promise<void> {
  await vi.waitFor(async () => expect(await waiters(id)).toHaveLength(count), { timeout: 10_000, interval: 5 });
}

/** The lease number of an acquire that must succeed. */
export async function leaseOf(result: Promise<{ success: boolean; lease?: number }>): Promise<number> {
  const { success, lease } = await result;
  expect(success).toBe(true);
  return lease as number;
}
