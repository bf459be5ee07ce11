import { describe, expect, it, vi } from "vitest";
import { clearTimer, sleep, timeBox, TIMED_OUT } from "../../../src/transport/time-box.ts";
import { fakeTime, pass, silence } from "../../support/fake-time.ts";
import { countedSignal } from "../../support/leaks.ts";
import { failureOf, settled } from "../../support/outcome.ts";

fakeTime();

describe("G9 what is waited for is waited for so long and no longer", () => {
  it("work that comes in time is what it is, and leaves no timer", async () => {
    expect(await timeBox(Promise.resolve("done"), 10, undefined)).toBe("done");
    expect((await failureOf(timeBox(Promise.reject(new Error("mine")), 10, undefined))) as Error).toMatchObject({
      message: "mine",
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("work that does not is timed out, to the millisecond", async () => {
    const boxed = timeBox(silence(), 10, undefined);
    await pass(9);
    expect(await settled(boxed)).toBe("parked");
    await pass(1);
    expect(await boxed).toBe(TIMED_OUT);
  });

  it("a time that is over already is over at once", async () => {
    const set = vi.spyOn(globalThis, "setTimeout");
    const boxed = timeBox(silence(), -5, undefined);
    expect(set.mock.calls[0]?.[1]).toBe(0);
    await pass(0);
    expect(await boxed).toBe(TIMED_OUT);
  });

  it("without an end no timer is set", () => {
    void timeBox(silence(), Infinity, undefined);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("a timer that was never set needs no clearing", () => {
    const clear = vi.spyOn(globalThis, "clearTimeout");
    clearTimer(undefined);
    expect(clear).not.toHaveBeenCalled();
  });
});

describe("a signal ends the waiting", () => {
  it("with its reason, and leaves no listener and no timer", async () => {
    const { controller, signal } = countedSignal();
    const remove = vi.spyOn(signal, "removeEventListener");
    const slept = failureOf(sleep(10, signal));
    controller.abort(new Error("enough"));
    expect(await slept).toMatchObject({ message: "enough" });
    expect(remove).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("that has fired before with its reason too", async () => {
    expect(await failureOf(sleep(10, AbortSignal.abort(new Error("before"))))).toMatchObject({ message: "before" });
  });
});
