// Replays of what users of other libraries reported. docs/correctness.md lists them: "Bugs of others, tried here".
import { describe, expect, it, vi } from "vitest";
import { lead } from "../../../src/index.ts";
import { endCandidates, fired, stand, termOf, until } from "../../support/candidates.ts";
import { failureOf, freshId, lockOf, untilWaiting, waiters } from "../../support/locks.ts";

/** Long enough that only a release can pass the leadership on in time. */
const HOUR = { ttl: 3_600_000 };

describe("kubernetes/kubernetes#62120", () => {
  endCandidates();

  it("a leader that can't do its work gives the leadership up, lives on, and stands again behind the others", async () => {
    const id = freshId();
    const first = stand(lockOf(id), { ...HOUR, owner: "a" });
    const { term, resign, signal } = await termOf(first);
    const second = stand(lockOf(id), { ...HOUR, owner: "b" });
    await untilWaiting(id, 1);
    resign();
    expect(signal.aborted).toBe(true);
    expect((await termOf(second)).term).toBeGreaterThan(term);
    await until(async () => expect(await waiters(id)).toEqual(["a"]));
  });
});

describe("kubernetes/kubernetes#118790", () => {
  endCandidates();

  it("an election is cancelled while the candidate waits: its work never runs, and it has left the queue", async () => {
    const id = freshId();
    await termOf(stand(lockOf(id), HOUR));
    const stop = new AbortController();
    const reason = new Error("shut down");
    const work = vi.fn();
    const standing = failureOf(lead(lockOf(id), work, { signal: stop.signal }));
    await untilWaiting(id, 1);
    stop.abort(reason);
    expect(await standing).toBe(reason);
    expect(work).not.toHaveBeenCalled();
    expect(await waiters(id)).toEqual([]);
  });

  it("an election is cancelled while the candidate leads: the lock is free as soon as its work has ended", async () => {
    const lock = lockOf(freshId());
    const stop = new AbortController();
    const reason = new Error("shut down");
    const leading = Promise.withResolvers<void>();
    const work = async ({ signal }: { signal: AbortSignal }) => {
      leading.resolve();
      await fired(signal);
    };
    const standing = failureOf(lead(lock, work, { ...HOUR, signal: stop.signal }));
    await leading.promise;
    stop.abort(reason);
    expect(await standing).toBe(reason);
    expect(await lock.isLocked()).toBe(false);
  });
});
