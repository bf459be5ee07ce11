import { afterAll, expect, vi } from "vitest";
import { type LeaderWork, type LeadOptions, type Leadership, type Lock, lead } from "../../src/index.ts";
import { outcome } from "./locks.ts";

export const until = (condition: () => Promise<void> | void) => vi.waitFor(condition, { timeout: 15_000, interval: 5 });

export const fired = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

export interface Candidate {
  /** Its terms so far. */
  terms: Leadership[];
  stop: AbortController;
  done: Promise<{ value?: unknown; error?: unknown }>;
}

const candidates: Candidate[] = [];

/** Starts a candidate and records its terms. It leads until its signal fires, unless `work` says otherwise. */
export function stand<T>(lock: Lock, options: LeadOptions = {}, work?: LeaderWork<T>): Candidate {
  const stop = new AbortController();
  const terms: Leadership[] = [];
  const fn = async (leadership: Leadership) => {
    terms.push(leadership);
    return work ? await work(leadership) : await fired(leadership.signal);
  };
  const done = outcome<unknown>(lead(lock, fn, { signal: stop.signal, ...options }));
  const candidate = { terms, stop, done };
  candidates.push(candidate);
  return candidate;
}

/** The candidate's latest term, once it has had `count` terms. */
export async function termOf(candidate: Candidate, count = 1): Promise<Leadership> {
  await until(() => expect(candidate.terms).toHaveLength(count));
  return candidate.terms.at(-1) as Leadership;
}

/** With these options a candidate learns at once about its lease: its next renewal is due long after the test. */
export const TOLD = { releaseOnExit: true, ttl: 3_600_000 };

/** After the group of tests that calls this, ends all candidates. Two such groups must not run at the same time. */
export function endCandidates(): void {
  afterAll(async () => {
    for (const { stop } of candidates) stop.abort();
    await Promise.all(candidates.map(({ done }) => done));
    candidates.length = 0;
  });
}
