import { afterEach, beforeEach, vi } from "vitest";

/** All time in the file that calls this is by hand, and chance is a half. */
export function fakeTime(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    // A stopwatch that begins at nought hides a wrong sign.
    vi.advanceTimersByTime(1_000_000);
    vi.spyOn(Math, "random").mockReturnValue(0.5);
  });
  afterEach(() => {
    // In this order: a spy may be on a timer of the fake clock.
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
}

/** Lets so much time pass, and whatever comes due in it. */
export const pass = async (ms: number) => void (await vi.advanceTimersByTimeAsync(ms));

/** A promise that is never settled. */
export const silence = <T>() => new Promise<T>(() => {});
