import { describe, expect, it, vi } from "vitest";
import type { AcquireReply, RenewReply } from "../../../src/core/replies.ts";
import type { LockRequest } from "../../../src/core/request.ts";
import { type LeaderWork, type LeadOptions, createLock, lead, LockError } from "../../../src/index.ts";
import type { LockPrimitives } from "../../../src/transport/primitives.ts";
import { fakeTime, pass, silence } from "../../support/fake-time.ts";
import { outcome, settled, sleep } from "../../support/outcome.ts";
import { scriptedPrimitives } from "../../support/scripted-primitives.ts";
import { afterTurns, sweepTurns } from "../../support/turns.ts";

fakeTime();

/** A lock that is free for each who asks, by a lease of the next number. */
function candidate<T>(fn: LeaderWork<T>, options?: LeadOptions, answers: Partial<LockPrimitives> = {}) {
  let lease = 0;
  const { primitives, calls } = scriptedPrimitives({
    acquire: async ({ ttl }) => ({ success: true, lease: ++lease, deadline: 1, validFor: ttl }),
    renew: async (renewed, ttl) => ({ success: true, lease: renewed, deadline: 1, validFor: ttl }),
    release: async () => true,
    cancel: async () => undefined,
    ...answers,
  });
  const over = outcome(lead(createLock(primitives), fn, options));
  const elected = () => calls.filter(({ method }) => method === "acquire").map(({ at }) => at);
  return { over, elected, calls };
}

const until = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));

describe("a leader", () => {
  it("leads until its work is done, waits for its turn for as long as it takes, and is released", async () => {
    const { over, calls } = candidate(({ term, hasEnded }) => [term, hasEnded()], { ttl: 5_000, owner: "me" });
    expect(await over).toEqual({ value: [1, false] });
    expect(calls.map(({ method }) => method)).toEqual(["acquire", "release"]);
    expect(calls[0]?.args[0]).toMatchObject({ wait: Infinity, ttl: 5_000, owner: "me", exclusive: true });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("that fails while it leads ends with that error", async () => {
    const { over, calls } = candidate(() => Promise.reject(new Error("mine")));
    expect((await over).error).toMatchObject({ message: "mine" });
    expect(calls.at(-1)?.method).toBe("release");
  });

  it("whose release is not answered is still done: it led by its own clock", async () => {
    const { over } = candidate(() => "done", {}, { release: () => Promise.reject(new Error("no idea")) });
    expect(await over).toEqual({ value: "done" });
  });

  it("whose release finds its lease gone stands again", async () => {
    const replies = [{ success: false, reason: "NO_LONGER_VALID" }, true] as never[];
    const { over } = candidate(({ term }) => term, {}, { release: async () => replies.shift() ?? silence() });
    await pass(25);
    expect(await over).toEqual({ value: 2 });
  });
});

describe("a term that ends before its work", () => {
  it("by its resignation: its signal fires, and it stands again", async () => {
    const reasons: unknown[] = [];
    const { over, calls } = candidate(({ term, signal, resign, hasEnded }) => {
      if (term === 2) return "done";
      resign();
      reasons.push(signal.reason, hasEnded());
      return "too late";
    });
    await pass(25);
    expect(await over).toEqual({ value: "done" });
    expect(reasons).toMatchObject([{ name: "AbortError", message: "The leader resigned." }, true]);
    expect(calls.map(({ method }) => method)).toEqual(["acquire", "release", "acquire", "release"]);
  });

  it("by a wish that it be released is resigned", async () => {
    const releaseRequested = async (lease: number, ttl: number): Promise<RenewReply> => ({
      success: true,
      lease,
      deadline: 1,
      validFor: ttl,
      releaseRequested: true,
    });
    const { over } = candidate(
      async ({ term, signal }) => {
        if (term === 1) await until(signal);
        return [term, signal.aborted];
      },
      { ttl: 30_000 },
      { renew: releaseRequested },
    );
    await pass(10_000);
    expect(await over).toEqual({ value: [2, false] });
  });

  it("by a wish that came with its grant is over before its work begins", async () => {
    const terms: number[] = [];
    const grants = [{ lease: 1, releaseRequested: true }, { lease: 2 }];
    const acquire = async ({ ttl }: LockRequest) =>
      ({ success: true, deadline: 1, validFor: ttl, ...grants.shift() }) as AcquireReply;
    const { over } = candidate(({ term }) => void terms.push(term), {}, { acquire });
    await pass(25);
    await over;
    expect(terms).toEqual([2]);
  });

  it("by a loss: the work's signal fires with it, and what it came to counts for nothing", async () => {
    const reasons: unknown[] = [];
    const { over } = candidate(
      async ({ term, signal, hasEnded }) => {
        if (term === 2) return "done";
        await until(signal);
        reasons.push(signal.reason, hasEnded());
        throw new Error("of no interest");
      },
      { ttl: 30_000 },
      { renew: () => silence() },
    );
    await pass(29_000);
    expect(reasons).toMatchObject([{ code: "LEASE_LOST", why: "unreachable" }, true]);
    expect(await over).toEqual({ value: "done" });
  });

  it("by a fresh look at the clock is over, though no timer has run", async () => {
    const now = vi.spyOn(performance, "now");
    const { over } = candidate(({ term, hasEnded }) => {
      if (term === 2) return "done";
      now.mockReturnValue(performance.now() + 60_000);
      return hasEnded() ? "over" : "not over";
    });
    await pass(0);
    now.mockRestore();
    await pass(50);
    expect(await over).toEqual({ value: "done" });
  });

  it("soon, again and again, is followed by pauses that grow; one of five seconds by none", async () => {
    const lasting = [0, 0, 0, 5_000, 4_999, 0];
    const { over, elected } = candidate(async ({ signal, resign }) => {
      const ms = lasting.shift();
      if (ms === undefined) return "done";
      if (ms > 0) await sleep(ms);
      resign();
      expect(signal.aborted).toBe(true);
      return "too late";
    });
    await pass(60_000);
    expect(await over).toEqual({ value: "done" });
    expect(elected()).toEqual([0, 25, 75, 175, 5_175, 10_199, 10_249]);
  });
});

describe("the end of a candidacy", () => {
  it("by its signal: the leader's fires too, and it resigns when its work has settled", async () => {
    const controller = new AbortController();
    let settle = () => {};
    const { over, calls } = candidate(
      ({ signal }) => new Promise<void>((resolve) => signal.addEventListener("abort", () => (settle = resolve))),
      { signal: controller.signal },
    );
    await pass(10);
    controller.abort("enough");
    await pass(10);
    expect(await settled(over)).toBe("parked");
    settle();
    expect((await over).error).toBe("enough");
    expect(calls.map(({ method }) => method)).toEqual(["acquire", "release"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("by its signal while it waits in line is at once, with its reason", async () => {
    const controller = new AbortController();
    const { over } = candidate(() => {}, { signal: controller.signal }, { acquire: () => silence() });
    await pass(10);
    controller.abort("enough");
    expect((await over).error).toBe("enough");
  });

  it("by a signal that has fired before asks nobody", async () => {
    const { over, calls } = candidate(() => {}, { signal: AbortSignal.abort("before") });
    expect((await over).error).toBe("before");
    expect(calls).toEqual([]);
  });

  it("by its signal during a pause", async () => {
    const controller = new AbortController();
    const { over, elected } = candidate(({ resign }) => resign(), { signal: controller.signal });
    await pass(10);
    controller.abort("enough");
    expect((await over).error).toBe("enough");
    await pass(1_000);
    expect(elected()).toEqual([0]);
  });

  it("in the same turn as the grant: its work does not begin", async () => {
    const controller = new AbortController();
    const work = vi.fn();
    const bind = async () => {
      queueMicrotask(() => controller.abort("enough"));
      return { success: true as const, next: () => silence<never>(), [Symbol.dispose]: () => {} };
    };
    const { over } = candidate(work, { signal: controller.signal, releaseOnExit: true }, { watchExit: bind });
    await pass(10);
    expect((await over).error).toBe("enough");
    expect(work).not.toHaveBeenCalled();
  });

  it("whenever its signal fires while the grant is on its way: its work is not begun, or its signal fires too", async () => {
    await sweepTurns(async (turns) => {
      const controller = new AbortController();
      const acquire = async ({ ttl }: LockRequest): Promise<AcquireReply> => {
        afterTurns(turns, () => controller.abort("enough"));
        return { success: true, lease: 1, deadline: 1, validFor: ttl };
      };
      const { over } = candidate(({ signal }) => until(signal), { signal: controller.signal }, { acquire });
      await pass(0);
      expect((await over).error).toBe("enough");
    });
  });

  it("leaves no listener on its signal", async () => {
    const { signal } = new AbortController();
    const [add, remove] = [vi.spyOn(signal, "addEventListener"), vi.spyOn(signal, "removeEventListener")];
    await candidate(() => "done", { signal }).over;
    expect(add).toHaveBeenCalled();
    for (const [type, listener] of add.mock.calls) expect(remove).toHaveBeenCalledWith(type, listener);
  });

  it("is not by an outage, which is waited out at growing distances", async () => {
    const faults = Array.from({ length: 3 }, () => new LockError("UNREACHABLE", "The lock service is closed."));
    const { over, elected } = candidate(
      ({ term }) => term,
      {},
      {
        acquire: async () => {
          const fault = faults.shift();
          if (fault) throw fault;
          return { success: true, lease: 4, deadline: 1, validFor: 30_000 };
        },
      },
    );
    await pass(1_000);
    expect(await over).toEqual({ value: 4 });
    expect(elected()).toEqual([0, 25, 75, 175]);
  });

  it.each([
    ["INVALID_ARGUMENT", new LockError("INVALID_ARGUMENT", "no")],
    ["VERSION_MISMATCH", new LockError("VERSION_MISMATCH", "no")],
    ["an error of another sort", new Error("mine")],
  ])("is by what asking again does not change: %s", async (_what, error) => {
    const { over, elected } = candidate(() => {}, {}, { acquire: () => Promise.reject(error) });
    expect((await over).error).toBe(error);
    expect(elected()).toHaveLength(1);
  });
});

describe("G9 bad input", () => {
  it("asks nobody", async () => {
    const lock = createLock(scriptedPrimitives({}).primitives);
    const error = async (call: Promise<unknown>) => (await outcome(call)).error;
    expect(await error(lead({} as never, () => {}))).toMatchObject({ argument: "lock" });
    expect(await error(lead(lock, undefined as never))).toMatchObject({ argument: "fn" });
    expect(await error(lead(lock, () => {}, { wait: 1 } as never))).toMatchObject({ argument: "wait" });
    expect(await error(lead(lock, () => {}, { signal: {} as never }))).toMatchObject({ argument: "signal" });
    expect(await error(lead(lock, () => {}, { ttl: 0 }))).toMatchObject({ argument: "ttl" });
  });
});
