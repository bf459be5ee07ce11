import { describe, expect, it } from "vitest";
import { LockState } from "../../../../src/core/lock-state.ts";
import { lineDelay } from "../../../../src/hold/waiting/line-backoff.ts";
import { NOW, PLAIN } from "../../core/machine.ts";

/** The same chances each time. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** When a caller that lost its connection at 0 reaches an object that is back after `down` ms. */
function comesBackAt(down: number, inLine: number, chance: () => number): number {
  for (let at = 0, attempt = 1; ; attempt += 1) {
    at += lineDelay(attempt, inLine, chance());
    if (at >= down) return Math.round(at);
  }
}

const requestOf = (place: number) => ({ ...PLAIN, ttl: 1, lockDelay: 0, wait: 86_400_000, requestId: String(place) });

/** All waiters lose the object and ask again until it is back; then each holds the lock for a millisecond. */
function outage({ callers, down, inLine = callers }: { callers: number; down: number; inLine?: number }) {
  const chance = chances(callers + down);
  const returns = Array.from({ length: callers }, (_, place) => ({ place, at: comesBackAt(down, inLine, chance) }));
  returns.sort((one, other) => one.at - other.at);
  const first = returns[0]?.at ?? 0;
  const state = new LockState([], NOW + first);
  const granted: number[] = [];
  let firstGrant = 0;
  const letPass = (until: number) => {
    for (let now = state.nextWake(NOW) ?? Infinity; now <= until; now = state.nextWake(now) ?? Infinity) {
      state.wake(now);
      for (const { requestId, reply } of state.takeEffects().answers) {
        if (!reply.success) {
          state.enqueue(requestOf(Number(requestId)), now);
          continue;
        }
        granted.push(Number(requestId));
        firstGrant ||= now;
      }
    }
  };
  for (const { place, at } of returns) {
    letPass(NOW + at);
    state.enqueue({ ...requestOf(place), waited: callers - place + at }, NOW + at);
  }
  letPass(NOW + first + 600_000);
  return { granted, withoutGrants: firstGrant - NOW - first, calls: mostInASecond(returns.map(({ at }) => at)) };
}

function mostInASecond(instants: number[]): number {
  let most = 0;
  let from = 0;
  for (const [index, at] of instants.entries()) {
    while ((instants[from] ?? 0) <= at - 1_000) from += 1;
    most = Math.max(most, index - from + 1);
  }
  return most;
}

const inOrder = (count: number) => Array.from({ length: count }, (_, place) => place);

/** In milliseconds: a reset, the least outage that once broke the order, the one that is promised, and a long one. */
const OUTAGES = [0, 4_300, 10_000, 30_000];

describe("Order after an outage", () => {
  it.each(OUTAGES)(
    "G4 12 callers keep their order after an outage of %d ms, which costs about 2 s without grants.",
    (down) => {
      const { granted, withoutGrants } = outage({ callers: 12, down, inLine: 0 });
      expect(granted).toEqual(inOrder(12));
      expect(withoutGrants).toBeLessThan(2_300);
    },
  );

  it.each(OUTAGES)(
    "G4 10,000 callers keep their order after an outage of %d ms, and at most 1,000 of them come back in a second.",
    (down) => {
      const { granted, calls, withoutGrants } = outage({ callers: 10_000, down });
      expect(granted).toEqual(inOrder(10_000));
      expect(calls).toBeLessThanOrEqual(1_000);
      expect(withoutGrants).toBeLessThan(17_000);
    },
    60_000,
  );
});
