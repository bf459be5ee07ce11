import { afterEach } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";

/** Puts other bounds in place for a test, for the real ones take seconds to reach; whatever comes of it they end with it. */
export function changeableLimits(): (changes: Partial<Record<keyof typeof LIMITS, number>>) => void {
  const real = { ...LIMITS };
  afterEach(() => void Object.assign(LIMITS, real));
  return (changes) => void Object.assign(LIMITS, changes);
}
