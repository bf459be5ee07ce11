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

/** A lock that grants every request, with the next lease number. */
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

describe("Leader", () => {
  it("A leader waits for its election as long as it takes, leads until its work is done, and releases the lock.", async () => {
    const { over, calls } = candidate(({ term, hasEnded }) => [term, hasEnded()], { ttl: 5_000, owner: "me" });
    expect(await over).toEqual({ value: [1, false] });
    expect(calls.map(({ method }) => method)).toEqual(["acquire", "release"]);
    expect(calls[0]?.args[0]).toMatchObject({ wait: Infinity, ttl: 5_000, owner: "me", exclusive: true });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("A leader whose work fails ends with that error.", async () => {
    const { over, calls } = candidate(() => Promise.reject(new Error("mine")));
    expect((await over).error).toMatchObject({ message: "mine" });
    expect(calls.at(-1)?.method).toBe("release");
  });

  it("A leader whose release is not answered is still done, because it led by its own clock.", async () => {
    const { over } = candidate(() => "done", {}, { release: () => Promise.reject(new Error("no idea")) });
    expect(await over).toEqual({ value: "done" });
  });

  it("A leader whose release finds its lease gone stands for election again.", async () => {
    const replies = [{ success: false, reason: "NO_LONGER_VALID" }, true] as never[];
    const { over } = candidate(({ term }) => term, {}, { release: async () => replies.shift() ?? silence() });
    await pass(25);
    expect(await over).toEqual({ value: 2 });
  });
});

describe("Term that ends before its work", () => {
  it("A leader that resigns ends its term: its signal fires, and it stands for election again.", async () => {
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

  it("A leader resigns when its release is requested.", async () => {
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

  it("A term whose grant carries a release request ends before its work begins.", async () => {
    const terms: number[] = [];
    const grants = [{ lease: 1, releaseRequested: true }, { lease: 2 }];
    const acquire = async ({ ttl }: LockRequest) =>
      ({ success: true, deadline: 1, validFor: ttl, ...grants.shift() }) as AcquireReply;
    const { over } = candidate(({ term }) => void terms.push(term), {}, { acquire });
    await pass(25);
    await over;
    expect(terms).toEqual([2]);
  });

  it("A term whose lease is lost fires the work's signal, and the outcome of that work does not count.", async () => {
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

  it("A term ends by the clock even if no timer has run.", async () => {
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

  it("Short terms one after the other are followed by growing pauses, and a term of 5 s by none.", async () => {
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

describe("End of a candidacy", () => {
  it("A signal that ends a candidacy fires the leader's signal too, and the leader resigns when its work has settled.", async () => {
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

  it("A signal that ends a candidacy in the queue rejects at once with its reason.", async () => {
    const controller = new AbortController();
    const { over } = candidate(() => {}, { signal: controller.signal }, { acquire: () => silence() });
    await pass(10);
    controller.abort("enough");
    expect((await over).error).toBe("enough");
  });

  it("A candidacy whose signal has already fired sends nothing.", async () => {
    const { over, calls } = candidate(() => {}, { signal: AbortSignal.abort("before") });
    expect((await over).error).toBe("before");
    expect(calls).toEqual([]);
  });

  it("A signal ends a candidacy during a pause.", async () => {
    const controller = new AbortController();
    const { over, elected } = candidate(({ resign }) => resign(), { signal: controller.signal });
    await pass(10);
    controller.abort("enough");
    expect((await over).error).toBe("enough");
    await pass(1_000);
    expect(elected()).toEqual([0]);
  });

  it("A signal that fires in the same turn as the grant ends the candidacy before the work begins.", async () => {
    const controller = new AbortController();
    const work = vi.fn();
    const watchExit = async () => {
      queueMicrotask(() => controller.abort("enough"));
      return { success: true as const, next: () => silence<never>(), [Symbol.dispose]: () => {} };
    };
    const { over } = candidate(work, { signal: controller.signal, releaseOnExit: true }, { watchExit });
    await pass(10);
    expect((await over).error).toBe("enough");
    expect(work).not.toHaveBeenCalled();
  });

  it("A signal that fires while the grant is on its way prevents the work, or fires the work's signal too.", async () => {
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

  it("A candidacy leaves no listener on its signal.", async () => {
    const { signal } = new AbortController();
    const [add, remove] = [vi.spyOn(signal, "addEventListener"), vi.spyOn(signal, "removeEventListener")];
    await candidate(() => "done", { signal }).over;
    expect(add).toHaveBeenCalled();
    for (const [type, listener] of add.mock.calls) expect(remove).toHaveBeenCalledWith(type, listener);
  });

  it("A candidacy waits out an outage, with growing pauses.", async () => {
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
  ])("A candidacy ends with an error that asking again does not change: %s.", async (_what, error) => {
    const { over, elected } = candidate(() => {}, {}, { acquire: () => Promise.reject(error) });
    expect((await over).error).toBe(error);
    expect(elected()).toHaveLength(1);
  });
});

describe("Bad arguments of lead", () => {
  it("G9 A bad argument of lead sends nothing.", async () => {
    const lock = createLock(scriptedPrimitives({}).primitives);
    const error = async (call: Promise<unknown>) => (await outcome(call)).error;
    expect(await error(lead({} as never, () => {}))).toMatchObject({ argument: "lock" });
    expect(await error(lead(lock, undefined as never))).toMatchObject({ argument: "fn" });
    expect(await error(lead(lock, () => {}, { wait: 1 } as never))).toMatchObject({ argument: "wait" });
    expect(await error(lead(lock, () => {}, { signal: {} as never }))).toMatchObject({ argument: "signal" });
    expect(await error(lead(lock, () => {}, { ttl: 0 }))).toMatchObject({ argument: "ttl" });
  });
});
