import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { useBarrier, useDurableLock } from "../../../../src/index.ts";
import { heard } from "../../../../src/transport/rpc/rpc-call.ts";
import { faultyNamespace, silent } from "../../../support/faulty-namespace.ts";
import { countedSignal, countLeaks } from "../../../support/leaks.ts";
import { failureOf, freshId, lockOf, outcome } from "../../../support/locks.ts";

const soon = { timeout: 5_000, interval: 10 };

describe("RPC call whose signal fires", () => {
  const leaks = countLeaks();

  it("G8 An RPC call whose signal fires is no longer heard, and its promise is disposed of.", async () => {
    const { controller, signal } = countedSignal();
    const dispose = vi.fn();
    const pending = Object.assign(new Promise<string>(() => {}), { [Symbol.dispose]: dispose });
    const call = failureOf(heard(pending, signal));
    controller.abort("enough");
    expect(await call).toBe("enough");
    expect(dispose).toHaveBeenCalledOnce();
    expect(leaks.listeners).toBe(0);
  });

  it("G8 An aborted RPC call whose promise can't be disposed of disposes of its late answer.", async () => {
    const dispose = vi.fn();
    const { promise, resolve } = Promise.withResolvers<Disposable>();
    expect(await failureOf(heard(promise, AbortSignal.abort("before")))).toBe("before");
    resolve({ [Symbol.dispose]: dispose });
    await promise;
    expect(dispose).toHaveBeenCalledOnce();
  });

  it("G8 An aborted RPC call may fail later without an unhandled rejection.", async () => {
    const { promise, reject } = Promise.withResolvers<string>();
    expect(await failureOf(heard(promise, AbortSignal.abort("before")))).toBe("before");
    reject(new Error("late"));
    expect(await outcome(promise)).toMatchObject({ error: { message: "late" } });
  });

  it("G8 An RPC call that is answered before its signal fires gives the answer and leaves no listener.", async () => {
    const { signal } = countedSignal();
    expect(await heard(Promise.resolve("answer"), signal)).toBe("answer");
    expect(leaks.listeners).toBe(0);
  });
});

describe("Giving up while nothing arrives", () => {
  it("G8 A caller that gives up waiting leaves the queue of a lock, even if its cancel never arrives.", async () => {
    const id = freshId();
    const holder = await lockOf(id).hold({ ttl: 60_000 });
    const { namespace } = faultyNamespace(silent(["cancel"], false));
    const controller = new AbortController();
    const waiting = outcome(
      useDurableLock(namespace, id).withLock(() => {}, { wait: 20_000, signal: controller.signal }),
    );
    await vi.waitFor(async () => expect((await lockOf(id).status()).waiters).toHaveLength(1), soon);
    controller.abort("enough");
    await vi.waitFor(async () => expect((await lockOf(id).status()).waiters).toHaveLength(0), soon);
    expect(await waiting).toEqual({ error: "enough" });
    await holder.release();
  });

  it("G8 A party that gives up waiting leaves a barrier, even if its call of leave never arrives.", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(silent(["leave"], false), env.DURABLE_RENDEZVOUS);
    const barrier = useBarrier(namespace, id, { parties: 2 });
    const controller = new AbortController();
    const waiting = outcome(barrier.arrive({ wait: 20_000, signal: controller.signal }));
    await vi.waitFor(async () => expect(await barrier.waiting()).toBe(1), soon);
    controller.abort("enough");
    await vi.waitFor(async () => expect(await barrier.waiting()).toBe(0), soon);
    expect(await waiting).toEqual({ error: "enough" });
  });
});
