import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { useBarrier, useDurableLock } from "../../../../src/index.ts";
import { heard } from "../../../../src/transport/rpc/rpc-call.ts";
import { faultyNamespace, silent } from "../../../support/faulty-namespace.ts";
import { countedSignal, countLeaks } from "../../../support/leaks.ts";
import { failureOf, freshId, lockOf, outcome } from "../../../support/locks.ts";

const soon = { timeout: 5_000, interval: 10 };

describe("G8 a call over RPC whose signal fires", () => {
  const leaks = countLeaks();

  it("is heard no longer, and what it promises is disposed of", async () => {
    const { controller, signal } = countedSignal();
    const dispose = vi.fn();
    const pending = Object.assign(new Promise<string>(() => {}), { [Symbol.dispose]: dispose });
    const call = failureOf(heard(pending, signal));
    controller.abort("enough");
    expect(await call).toBe("enough");
    expect(dispose).toHaveBeenCalledOnce();
    expect(leaks.listeners).toBe(0);
  });

  it("has its late answer disposed of, if what it promises can't be", async () => {
    const dispose = vi.fn();
    const { promise, resolve } = Promise.withResolvers<Disposable>();
    expect(await failureOf(heard(promise, AbortSignal.abort("before")))).toBe("before");
    resolve({ [Symbol.dispose]: dispose });
    await promise;
    expect(dispose).toHaveBeenCalledOnce();
  });

  it("may fail later, and nobody is told", async () => {
    const { promise, reject } = Promise.withResolvers<string>();
    expect(await failureOf(heard(promise, AbortSignal.abort("before")))).toBe("before");
    reject(new Error("late"));
    expect(await outcome(promise)).toMatchObject({ error: { message: "late" } });
  });

  it("and is answered in time is what it is", async () => {
    const { signal } = countedSignal();
    expect(await heard(Promise.resolve("answer"), signal)).toBe("answer");
    expect(leaks.listeners).toBe(0);
  });
});

describe("G8 a caller that gives up waiting leaves the line, though nothing that it says arrives any longer", () => {
  it("in the queue of a lock", async () => {
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

  it("at a barrier", async () => {
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
