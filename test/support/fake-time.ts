import { afterEach, beforeEach, vi } from "vitest";

/** In the file that calls this, the test moves all time by hand, and `Math.random` returns 0.5. */
export function fakeTime(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    // Don't begin at zero: that would hide a wrong sign.
    vi.advanceTimersByTime(1_000_000);
    vi.spyOn(Math, "random").mockReturnValue(0.5);
  });
  afterEach(() => {
    // Keep this order: a spy may be on a timer of the fake clock.
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
}

/** Lets time pass, and runs the timers that are due in it. */
export const pass = async (ms: number) => void (await vi.advanceTimersByTimeAsync(ms));

/** A promise that is never settled. */
export const silence = <T>() => new Promise<T>(() => {});
