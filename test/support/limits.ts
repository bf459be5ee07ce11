import { afterEach } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";

/** Changes limits for one test, because the real ones take seconds to reach. Restores them even if the test fails. */
export function changeableLimits(): (changes: Partial<Record<keyof typeof LIMITS, number>>) => void {
  const real = { ...LIMITS };
  afterEach(() => void Object.assign(LIMITS, real));
  return (changes) => void Object.assign(LIMITS, changes);
}
