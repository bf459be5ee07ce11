import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { type LeaseGrant, once, webLocks, withLocks } from "../../../src/index.ts";
import { RELEASE_ON_EXIT, withWatchExit } from "../../support/release-on-exit.ts";
import { faultyNamespace } from "../../support/faulty-namespace.ts";
import { countLeaks, countedSignal } from "../../support/leaks.ts";
import { freshId, lockOf, outcome, sleep, untilWaiting } from "../../support/locks.ts";

const leaks = countLeaks();

describe("Between the grant and the work", () => {
  it("G6: withLocks does not run fn if the first lease expired unnoticed while it waited for the second.", async () => {
    const now = performance.now.bind(performance);
    let granted = 0;
    const { namespace } = faultyNamespace(async (method, run) => {
      const reply = (await run()) as LeaseGrant & { validFor: number };
      if (method !== "acquire" || (granted += 1) < 2) return reply;
      // The second lock is granted after a minute in the queue, while this Worker was paused and no timer could run.
      vi.spyOn(performance, "now").mockImplementation(() => now() + 60_000);
      return { ...reply, validFor: reply.validFor + 60_000 };
    });
    const locks = [freshId(), freshId()].map((id) => lockOf(id, namespace));
    const fn = vi.fn<() => void>();
    const { error } = await outcome(withLocks(locks, fn, { wait: 0 }));
    vi.restoreAllMocks();
    expect(error).toMatchObject({ code: "LEASE_LOST", why: "unreachable" });
    expect(fn).not.toHaveBeenCalled();
  });

  it.each(["hold", "withLock", "once"])(
    "G8 %s: An abort while the exit watch is being set up releases the lock.",
    async (how) => {
      const id = freshId();
      const { controller, signal } = countedSignal();
      const lock = withWatchExit(id, () => {
        controller.abort(new Error("enough"));
        return new Promise(() => {});
      });
      const fn = vi.fn<() => void>();
      const options = { ...RELEASE_ON_EXIT, signal };
      const calls: Record<string, () => Promise<unknown>> = {
        hold: () => lock.hold(options),
        withLock: () => lock.withLock(fn, options),
        once: () => once(lock, fn, options),
      };
      expect(await outcome(calls[how]!())).toMatchObject({ error: { message: "enough" } });
      expect(fn).not.toHaveBeenCalled();
      expect(await lockOf(id).isLocked()).toBe(false);
      expect([leaks.listeners, leaks.timers.size]).toEqual([0, 0]);
    },
  );

  it("G8: An abort in the same turn in which the exit watch is set up releases the lock.", async () => {
    const id = freshId();
    const { controller, signal } = countedSignal();
    const lock = withWatchExit(id, async (bind) => {
      const watch = await bind();
      controller.abort(new Error("enough"));
      return watch;
    });
    expect(await outcome(lock.hold({ ...RELEASE_ON_EXIT, signal }))).toMatchObject({ error: { message: "enough" } });
    expect(await lockOf(id).isLocked()).toBe(false);
    expect(leaks.listeners).toBe(0);
  });

  it("webLocks rejects with AbortError if the lock is lost before its callback runs, as for any other loss.", async () => {
    const { namespace } = faultyNamespace(async (method, run) => {
      const reply = await run();
      if (method === "acquire") await sleep(80);
      return reply;
    });
    const callback = vi.fn<() => void>();
    const { error } = await outcome(
      webLocks(namespace, { ttl: 40 }).request(freshId(), { ifAvailable: true }, callback),
    );
    expect(error).toMatchObject({ name: "AbortError", cause: { code: "LEASE_LOST" } });
    expect(callback).not.toHaveBeenCalled();
  });

  it("webLocks rejects with the reason of the request's own signal, even if that is the loss of another lock.", async () => {
    const id = freshId();
    await lockOf(id).acquire(60_000);
    const other = lockOf(freshId());
    const { signal } = await other.hold(RELEASE_ON_EXIT);
    const asked = outcome(webLocks(env.DURABLE_LOCK).request(id, { signal }, () => {}));
    await untilWaiting(id, 1);
    await other.forceRelease();
    expect((await asked).error).toBe(signal.reason);
  });
});

describe("A custom transport without lease events", () => {
  it("A custom transport's empty answers do not ask the holder to release; only releaseRequested does.", async () => {
    const id = freshId();
    const asked: number[] = [];
    let answers = 0;
    const next = async (told: boolean) => {
      if ((answers += 1) < 3) return {};
      return told ? new Promise<never>(() => {}) : { releaseRequested: true };
    };
    const lock = withWatchExit(id, async () => ({ success: true, next, [Symbol.dispose]: () => {} }));
    const held = await lock.hold({ ...RELEASE_ON_EXIT, onReleaseRequested: () => void asked.push(answers) });
    await vi.waitFor(() => expect(asked).toEqual([expect.any(Number)]), { timeout: 10_000, interval: 5 });
    expect(asked[0]).toBeGreaterThan(2);
    expect(await held.release()).toBe(true);
  });
});
