import { describe, expect, it, vi } from "vitest";
import { clearTimer, sleep, timeBox, TIMED_OUT } from "../../../src/transport/time-box.ts";
import { fakeTime, pass, silence } from "../../support/fake-time.ts";
import { countedSignal } from "../../support/leaks.ts";
import { failureOf, settled } from "../../support/outcome.ts";

fakeTime();

describe("Time limits", () => {
  it("G9 Work that settles in time keeps its outcome and leaves no timer.", async () => {
    expect(await timeBox(Promise.resolve("done"), 10, undefined)).toBe("done");
    expect((await failureOf(timeBox(Promise.reject(new Error("mine")), 10, undefined))) as Error).toMatchObject({
      message: "mine",
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("G9 Work that does not settle in time is timed out, to the millisecond.", async () => {
    const boxed = timeBox(silence(), 10, undefined);
    await pass(9);
    expect(await settled(boxed)).toBe("parked");
    await pass(1);
    expect(await boxed).toBe(TIMED_OUT);
  });

  it("G9 A time limit that has already passed ends at once.", async () => {
    const set = vi.spyOn(globalThis, "setTimeout");
    const boxed = timeBox(silence(), -5, undefined);
    expect(set.mock.calls[0]?.[1]).toBe(0);
    await pass(0);
    expect(await boxed).toBe(TIMED_OUT);
  });

  it("G9 Work without a time limit sets no timer.", () => {
    void timeBox(silence(), Infinity, undefined);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("G9 A timer that was never set is not cleared.", () => {
    const clear = vi.spyOn(globalThis, "clearTimeout");
    clearTimer(undefined);
    expect(clear).not.toHaveBeenCalled();
  });
});

describe("Signal during a wait", () => {
  it("A signal ends a sleep with its reason, and leaves no listener and no timer.", async () => {
    const { controller, signal } = countedSignal();
    const remove = vi.spyOn(signal, "removeEventListener");
    const slept = failureOf(sleep(10, signal));
    controller.abort(new Error("enough"));
    expect(await slept).toMatchObject({ message: "enough" });
    expect(remove).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("A signal that has already fired ends a sleep with its reason too.", async () => {
    expect(await failureOf(sleep(10, AbortSignal.abort(new Error("before"))))).toMatchObject({ message: "before" });
  });
});
