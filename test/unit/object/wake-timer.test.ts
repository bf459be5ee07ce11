import { afterEach, describe, expect, it, vi } from "vitest";
import { WakeTimer } from "../../../src/object/wake-timer.ts";

afterEach(() => {
  // The order matters: the spy is on a timer of the fake clock.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("Wake timer", () => {
  it("The wake timer wakes once when it is due, and is set again only for another time.", () => {
    vi.useFakeTimers();
    const wake = vi.fn();
    const timer = new WakeTimer(wake);
    const set = vi.spyOn(globalThis, "setTimeout");
    timer.set(1_000.5, 0);
    timer.set(1_000.5, 500);
    expect(set.mock.calls.map(([, ms]) => ms)).toEqual([1_001]);
    vi.advanceTimersByTime(1_000);
    expect(wake).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(wake).toHaveBeenCalledOnce();
    timer.set(1_000.5, 2_000);
    expect(set.mock.calls.at(-1)?.[1]).toBe(0);
    timer.set(undefined, 2_000);
    expect(vi.getTimerCount()).toBe(0);
    timer.set(3_000, 2_000);
    timer.set(4_000, 2_000);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(2_000);
    expect(wake).toHaveBeenCalledTimes(2);
  });
});
