import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { type Jobs, followScheduler, runScheduler } from "../../examples/leader.ts";
import { importBatches, maintain } from "../../examples/operators.ts";
import { freshId, lockOf, outcome, sleep } from "../support/locks.ts";

const locks = env.DURABLE_LOCK;
const until = (condition: () => Promise<void> | void) => vi.waitFor(condition, { timeout: 15_000, interval: 5 });

describe("Example of a leader", () => {
  it("The leader example runs the jobs in one instance, the next takes over at its shutdown, and all know which one it is.", async () => {
    const shown: (string | undefined)[] = [];
    const runs: { instance: string; term: number }[] = [];
    const jobsOf = (instance: string): Jobs => ({ runDue: async (term) => void runs.push({ instance, term }) });
    const [stopA, stopB, stopFollowing] = [new AbortController(), new AbortController(), new AbortController()];
    const following = followScheduler(locks, (instance) => shown.push(instance), stopFollowing.signal);
    await until(() => expect(shown).toEqual([undefined]));
    const a = runScheduler(locks, "a", jobsOf("a"), stopA.signal);
    await until(() => expect(shown.at(-1)).toBe("a"));
    const b = runScheduler(locks, "b", jobsOf("b"), stopB.signal);
    await until(async () => expect((await lockOf("scheduler").status()).waiters).toMatchObject([{ owner: "b" }]));
    await until(() => expect(runs.length).toBeGreaterThan(2));
    stopA.abort();
    await a;
    await until(() => expect(runs.at(-1)?.instance).toBe("b"));
    await until(() => expect(shown.at(-1)).toBe("b"));
    stopB.abort();
    await b;
    stopFollowing.abort();
    await following;
    const terms = runs.map(({ term }) => term);
    expect(terms).toEqual(terms.toSorted((one, other) => one - other));
    expect(new Set(terms).size).toBe(2);
    expect(await lockOf("scheduler").isLocked()).toBe(false);
  });
});

describe("Example of operators", () => {
  it("The operator example asks a cooperative job to make way, and the job stops after its batch.", async () => {
    const id = freshId();
    const batches = Array.from({ length: 5_000 }, (_, index) => index);
    const written: number[] = [];
    const importing = importBatches(locks, id, batches, async (batch) => {
      await sleep(2);
      written.push(batch);
    });
    await until(() => expect(written.length).toBeGreaterThan(2));
    const maintained = maintain(locks, id, async ({ lease }) => lease);
    const done = await importing;
    expect(written).toEqual(batches.slice(0, done));
    expect(done).toBeLessThan(batches.length);
    expect(await maintained).toBeGreaterThan(0);
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("The operator example lets an uninterrupted job finish all its batches.", async () => {
    const written: string[] = [];
    const store = async (batch: string) => void written.push(batch);
    expect(await importBatches(locks, freshId(), ["a", "b"], store)).toBe(2);
    expect(written).toEqual(["a", "b"]);
  });

  it("The operator example takes the lock from a job that does not make way, and its lease number fences off later writes.", async () => {
    const id = freshId();
    const deaf = Promise.withResolvers<void>();
    const writing = lockOf(id).withLock(async ({ lease }) => {
      await deaf.promise;
      return lease;
    });
    const victim = outcome(writing);
    await until(async () => expect(await lockOf(id).isLocked()).toBe(true));
    const before = (await lockOf(id).status()).holders[0]?.lease ?? 0;
    expect(await maintain(locks, id, async ({ lease }) => lease, 100)).toBeGreaterThan(before);
    deaf.resolve();
    expect((await victim).error).toMatchObject({ code: "LEASE_LOST", why: "superseded" });
  });
});
