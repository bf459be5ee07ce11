import { describe, expect, it, vi } from "vitest";
import type { AcquireReply } from "../../../src/core/replies.ts";
import type { LockRequest } from "../../../src/core/request.ts";
import { acquire } from "../../../src/hold/acquire.ts";
import type { Acquisition } from "../../../src/hold/acquisition.ts";
import { fakeTime, pass, silence } from "../../support/fake-time.ts";
import { connectionLost } from "../../support/faulty-namespace.ts";
import { failureOf, settled, sleep } from "../../support/outcome.ts";
import { scriptedPrimitives } from "../../support/scripted-primitives.ts";
import { afterTurns, isHeard, sweepTurns } from "../../support/turns.ts";

fakeTime();

const LONG_POLL = 25_000;
const GRANT: AcquireReply = { success: true, lease: 7, deadline: 1, validFor: 1_000 };
const TAKEN: AcquireReply = { success: false, reason: "BORROWED" };

function acquisition(request: Partial<LockRequest>, rest: Partial<Acquisition> = {}): Acquisition {
  const asked = { requestId: "r", ttl: 1_000, wait: 0, waited: 0, ...request } as LockRequest;
  return { request: asked, signal: undefined, poll: undefined, named: false, ...rest };
}

/** Primitives that answer each request after a time. */
function answering(...answers: { after?: number; reply: AcquireReply | Error | "never" }[]) {
  const cancel = vi.fn(async (): Promise<unknown> => undefined);
  const { primitives, calls } = scriptedPrimitives({
    acquire: async () => {
      const { after = 0, reply } = answers.shift() ?? { reply: TAKEN };
      if (after > 0) await sleep(after);
      if (reply === "never") return silence();
      if (reply instanceof Error) throw reply;
      return reply;
    },
    cancel,
  });
  const asked = () =>
    calls
      .filter(({ method }) => method === "acquire")
      .map(({ at, args: [request] }) => {
        const { wait, waited, requestId } = request as LockRequest;
        return { at, wait, waited, requestId };
      });
  return { primitives, asked, cancel };
}

describe("Waiting in the queue", () => {
  it("G9 A waiter asks in long polls under one request id and says how long it has waited.", async () => {
    const { primitives, asked } = answering(
      { after: LONG_POLL, reply: TAKEN },
      { after: LONG_POLL, reply: TAKEN },
      { after: 10_000, reply: TAKEN },
    );
    const acquired = acquire(primitives, acquisition({ wait: 60_000 }));
    await pass(60_000);
    expect(await acquired).toBe(TAKEN);
    expect(asked()).toEqual([
      { at: 0, wait: 60_000, waited: 0, requestId: "r" },
      { at: 25_000, wait: 35_000, waited: 25_000, requestId: "r" },
      { at: 50_000, wait: 10_000, waited: 50_000, requestId: "r" },
    ]);
  });

  it.each([0, 1_000, LONG_POLL])("G9 A wait of %d ms fits into one long poll and asks once.", async (wait) => {
    const { primitives, asked } = answering({ after: wait, reply: TAKEN });
    const acquired = acquire(primitives, acquisition({ wait }));
    await pass(wait);
    expect(await acquired).toBe(TAKEN);
    expect(asked()).toEqual([{ at: 0, wait, waited: 0, requestId: "r" }]);
  });

  it("G9 A waiter whose last long poll was late asks once more, with the shortest wait.", async () => {
    const { primitives, asked } = answering({ after: 26_000, reply: TAKEN });
    const acquired = acquire(primitives, acquisition({ wait: 25_500 }));
    await pass(26_000);
    expect(await acquired).toBe(TAKEN);
    expect(asked()[1]).toMatchObject({ wait: 1, waited: 26_000 });
  });

  it("G9 A waiter does not ask again after a refusal that more waiting does not change.", async () => {
    const full: AcquireReply = { success: false, reason: "QUEUE_FULL" };
    const { primitives, asked } = answering({ reply: full });
    expect(await acquire(primitives, acquisition({ wait: 60_000 }))).toBe(full);
    expect(asked()).toHaveLength(1);
  });

  it("G9 A waiter asks a silent object again and treats a minute without an answer as an outage.", async () => {
    const { primitives, asked } = answering({ reply: "never" }, { reply: "never" }, { reply: "never" });
    const acquired = failureOf(acquire(primitives, acquisition({ wait: 86_400_000 })));
    await pass(59_999);
    expect(await settled(acquired)).toBe("parked");
    await pass(1);
    const error = (await acquired) as Error;
    expect(error).toMatchObject({ code: "UNREACHABLE" });
    expect(error.cause).toBeUndefined();
    expect(asked()).toMatchObject([{ at: 0 }, { at: LONG_POLL + 5_000 + 25, waited: LONG_POLL + 5_000 + 25 }]);
  });

  it("G9 A waiter treats a silent object as an outage sooner if its wait is shorter.", async () => {
    const { primitives } = answering({ reply: "never" });
    const acquired = failureOf(acquire(primitives, acquisition({ wait: 1_000 })));
    await pass(6_000);
    expect(await acquired).toMatchObject({ code: "UNREACHABLE" });
  });
});

describe("Repeats after a fault", () => {
  it("G5 A repeat after a fault says how long the caller has waited, and waits that much less.", async () => {
    const { primitives, asked } = answering({ after: 3_000, reply: connectionLost() }, { reply: GRANT });
    const acquired = acquire(primitives, acquisition({ wait: 10_000 }));
    await pass(3_025);
    expect(await acquired).toMatchObject({ lease: 7 });
    expect(asked()).toEqual([
      { at: 0, wait: 10_000, waited: 0, requestId: "r" },
      { at: 3_025, wait: 6_975, waited: 3_025, requestId: "r" },
    ]);
  });

  it("G5 A repeat in a later long poll counts the time waited from the beginning.", async () => {
    const { primitives, asked } = answering(
      { after: LONG_POLL, reply: TAKEN },
      { after: 1_000, reply: connectionLost() },
      { reply: GRANT },
    );
    const acquired = acquire(primitives, acquisition({ wait: 60_000 }));
    await pass(26_025);
    await acquired;
    expect(asked()[2]).toEqual({ at: 26_025, wait: 33_975, waited: 26_025, requestId: "r" });
  });

  it("G5 A repeat without a wait does not wait, and a repeat after the wait has ended waits for 1 ms.", async () => {
    const once = answering({ after: 3_000, reply: connectionLost() }, { reply: TAKEN });
    const brief = answering({ after: 3_000, reply: connectionLost() }, { reply: TAKEN });
    const acquired = [
      acquire(once.primitives, acquisition({ wait: 0 })),
      acquire(brief.primitives, acquisition({ wait: 2_000 })),
    ];
    await pass(3_025);
    await Promise.all(acquired);
    expect(once.asked()[1]).toMatchObject({ wait: 0 });
    expect(brief.asked()[1]).toMatchObject({ wait: 1 });
  });
});

describe("Validity of a grant", () => {
  it("G6 A grant counts from before the call that brought it was sent.", async () => {
    const { primitives } = answering({ after: 100, reply: connectionLost() }, { after: 300, reply: GRANT });
    const since = performance.now();
    const acquired = acquire(primitives, acquisition({ wait: 10_000 }));
    await pass(425);
    expect(await acquired).toEqual({ ...GRANT, validUntil: since + 125 + 1_000 });
  });

  it("G6 A grant is trusted for at most its ttl after the reply arrives, whatever the object says.", async () => {
    const { primitives } = answering({ after: 300, reply: { ...GRANT, validFor: 3_600_000 } });
    const since = performance.now();
    const acquired = acquire(primitives, acquisition({ wait: 10_000, ttl: 2_000 }));
    await pass(300);
    expect(await acquired).toMatchObject({ validFor: 2_300, validUntil: since + 2_300 });
  });
});

describe("Polling", () => {
  const poll = { retries: Infinity, minTimeout: 100, maxTimeout: 800, factor: 2 };

  it("G9 A caller that polls keeps no queue entry and asks after growing pauses until its wait has ended.", async () => {
    const { primitives, asked } = answering();
    const acquired = acquire(primitives, acquisition({ wait: 1_000 }, { poll }));
    await pass(1_000);
    expect(await acquired).toBe(TAKEN);
    expect(asked().map(({ at }) => at)).toEqual([0, 50, 150, 350, 750, 1_000]);
    expect(new Set(asked().map(({ wait, waited }) => `${wait} ${waited}`))).toEqual(new Set(["0 0"]));
  });

  it("G9 A caller that polls stops after its retries, after a grant, or after a final refusal.", async () => {
    const often = answering();
    const granted = answering({ reply: TAKEN }, { reply: GRANT });
    const full = answering({ reply: TAKEN }, { reply: { success: false, reason: "TOO_MANY_LEASES" } });
    for (const { primitives } of [often, granted, full])
      void acquire(primitives, acquisition({ wait: 10_000 }, { poll: { ...poll, retries: 3 } }));
    await pass(10_000);
    expect([often, granted, full].map(({ asked }) => asked().length)).toEqual([4, 2, 2]);
  });

  it("G9 A caller that polls with a wait of 0 asks once and gets the answer at once.", async () => {
    const { primitives, asked } = answering();
    expect(await acquire(primitives, acquisition({ wait: 0 }, { poll }))).toBe(TAKEN);
    expect(asked()).toHaveLength(1);
  });
});

describe("Cancelled requests", () => {
  it("G4 A request is cancelled at once when its signal fires.", async () => {
    const { primitives, cancel } = answering({ reply: "never" });
    const controller = new AbortController();
    const acquired = failureOf(
      acquire(primitives, acquisition({ wait: 9_000 }, { signal: controller.signal, named: true })),
    );
    await pass(10);
    controller.abort("enough");
    expect(await acquired).toBe("enough");
    expect(cancel).toHaveBeenCalledExactlyOnceWith("r", expect.any(AbortSignal));
    expect(vi.getTimerCount()).toBe(0);
  });

  it("G4 A request is cancelled if its signal fires in the same turn as the grant arrives.", async () => {
    const controller = new AbortController();
    const { primitives, calls } = scriptedPrimitives({
      acquire: async () => (controller.abort("enough"), GRANT),
      cancel: async () => undefined,
    });
    expect(await failureOf(acquire(primitives, acquisition({}, { signal: controller.signal })))).toBe("enough");
    expect(calls.map(({ method }) => method)).toEqual(["acquire", "cancel"]);
  });

  it("G4 A request is cancelled if its signal fires at any point before its caller gets the answer.", async () => {
    const heard = await sweepTurns(async (turns) => {
      const controller = new AbortController();
      const answer = async () => {
        afterTurns(turns, () => controller.abort("enough"));
        return GRANT;
      };
      const { primitives, calls } = scriptedPrimitives({ acquire: answer, cancel: async () => undefined });
      const acquired = acquire(primitives, acquisition({}, { signal: controller.signal }));
      const isOver = isHeard(acquired, controller.signal, "enough");
      const isGivenUp = (await failureOf(acquired)) === "enough";
      expect(calls.map(({ method }) => method)).toEqual(isGivenUp ? ["acquire", "cancel"] : ["acquire"]);
      return isOver;
    });
    // The one exception is the turn in which the answer is handed over.
    expect(heard.filter((wasHeard) => !wasHeard).length).toBeLessThanOrEqual(1);
  });

  it("G4 A request is not sent if its signal has already fired.", async () => {
    const { primitives, asked, cancel } = answering();
    const signal = AbortSignal.abort("before");
    expect(await failureOf(acquire(primitives, acquisition({}, { signal })))).toBe("before");
    expect(asked()).toEqual([]);
    expect(cancel).not.toHaveBeenCalled();
  });

  it("G4 A request that failed is cancelled, unless its caller chose the request id and can repeat it.", async () => {
    for (const named of [false, true]) {
      const { primitives, cancel } = answering({ reply: new Error("no idea") });
      expect(await failureOf(acquire(primitives, acquisition({}, { named })))).toMatchObject({ message: "no idea" });
      expect(cancel).toHaveBeenCalledTimes(named ? 0 : 1);
    }
  });

  it("G4 A request is not cancelled if it was refused because the lock is taken.", async () => {
    const { primitives, cancel } = answering({ reply: TAKEN });
    await acquire(primitives, acquisition({}));
    expect(cancel).not.toHaveBeenCalled();
  });

  it("G4 The cancel of a failed request takes a second at most, and its outcome does not change the error.", async () => {
    const silent = answering({ reply: new Error("no idea") });
    silent.cancel.mockImplementation(() => silence());
    const failing = answering({ reply: new Error("no idea") });
    failing.cancel.mockRejectedValue(new Error("of no interest"));
    expect(await failureOf(acquire(failing.primitives, acquisition({})))).toMatchObject({ message: "no idea" });
    const acquired = failureOf(acquire(silent.primitives, acquisition({})));
    await pass(999);
    expect(await settled(acquired)).toBe("parked");
    await pass(1);
    expect(await acquired).toMatchObject({ message: "no idea" });
  });

  it("G4 A request with an argument that the object refuses is cancelled, and the refusal is thrown.", async () => {
    const refusal = { success: false, reason: "INVALID_ARGUMENT", argument: "ttl", message: "too long" } as const;
    const { primitives, cancel } = answering({ reply: refusal });
    const error = await failureOf(acquire(primitives, acquisition({})));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "ttl", message: "too long" });
    expect(cancel).toHaveBeenCalledOnce();
  });

  it("G4 A request whose id the object refuses is not cancelled afterwards, because the lease under that id may go on.", async () => {
    const reply = { success: false, reason: "INVALID_ARGUMENT", argument: "requestId", message: "in use" } as const;
    const codes = await sweepTurns(async (turns) => {
      const controller = new AbortController();
      const answer = async () => {
        afterTurns(turns, () => controller.abort("enough"));
        return reply;
      };
      const { primitives, calls } = scriptedPrimitives({ acquire: answer, cancel: async () => undefined });
      const named = acquisition({}, { signal: controller.signal, named: true });
      const error = await failureOf(acquire(primitives, named));
      expect(calls.map(({ method }) => method)).toEqual(error === "enough" ? ["acquire", "cancel"] : ["acquire"]);
      return error;
    });
    expect(codes).toContain("enough");
    expect(codes.at(-1)).toMatchObject({ code: "INVALID_ARGUMENT", argument: "requestId" });
  });
});
