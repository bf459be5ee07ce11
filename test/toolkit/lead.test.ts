import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { type Leader, type Leadership, lead, observe } from "../../src/index.ts";
import { faultyNamespace, losingReplies, connectionLost } from "../support/faulty-namespace.ts";
import { crash, freshId, leaseOf, lockOf, outcome, stubOf, untilWaiting } from "../support/locks.ts";

/** Leads until it is told not to, and tells of each term. */
function candidate(id: string, owner: string, options: { ttl?: number; signal?: AbortSignal } = {}) {
  const terms: Leadership[] = [];
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  const until = (signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  const done = outcome(
    lead(
      lockOf(id),
      async (leadership) => {
        terms.push(leadership);
        await Promise.race([stopped, until(leadership.signal)]);
        return owner;
      },
      { owner, ...options },
    ),
  );
  const leads = (count = 1) => vi.waitFor(() => expect(terms).toHaveLength(count), { timeout: 10_000, interval: 5 });
  return { done, stop, terms, leads, term: () => terms.at(-1) as Leadership };
}

const empty = { locked: false, holders: [], waiters: [] };

describe("a leader", () => {
  it("leads under a term that is its lease number, and is done when its work is", async () => {
    const id = freshId();
    const one = candidate(id, "one");
    await one.leads();
    expect((await stubOf(id).status()).holders).toMatchObject([{ lease: one.term().term, owner: "one" }]);
    one.stop();
    expect(await one.done).toEqual({ value: "one" });
    expect(await stubOf(id).status()).toEqual(empty);
  });

  it("G4 G2 is followed by the others in the order in which they came, in growing terms", async () => {
    const id = freshId();
    const one = candidate(id, "one");
    await one.leads();
    const two = candidate(id, "two");
    await untilWaiting(id, 1);
    const three = candidate(id, "three");
    await untilWaiting(id, 2);
    one.stop();
    await two.leads();
    expect(three.terms).toEqual([]);
    two.stop();
    await three.leads();
    expect(two.term().term).toBeGreaterThan(one.term().term);
    expect(three.term().term).toBeGreaterThan(two.term().term);
    three.stop();
    await three.done;
  });

  it("that resigns lets the next one lead, and stands again at the end of the line", async () => {
    const id = freshId();
    const one = candidate(id, "one");
    await one.leads();
    const two = candidate(id, "two");
    await untilWaiting(id, 1);
    one.term().resign();
    expect(one.term().signal.aborted).toBe(true);
    await two.leads();
    await untilWaiting(id, 1);
    two.stop();
    await one.leads(2);
    one.stop();
    expect(await one.done).toEqual({ value: "one" });
  });

  it("G6 that lost its term is told, and stands again", async () => {
    const id = freshId();
    const one = candidate(id, "one", { ttl: 600 });
    await one.leads();
    const first = one.term();
    await lockOf(id).forceRelease();
    await one.leads(2);
    expect(first.signal.reason).toMatchObject({ code: "LEASE_LOST", why: "superseded" });
    expect(one.term().term).toBeGreaterThan(first.term);
    one.stop();
    await one.done;
  });

  it("steps down when it is asked to", async () => {
    const id = freshId();
    const one = candidate(id, "one", { ttl: 600 });
    await one.leads();
    const two = candidate(id, "two");
    await untilWaiting(id, 1);
    await lockOf(id).requestRelease();
    await two.leads();
    await untilWaiting(id, 1);
    two.stop();
    await one.leads(2);
    one.stop();
    await one.done;
  });

  it("that fails ends its candidacy with what it threw, and frees the lock", async () => {
    const id = freshId();
    const failing = outcome(lead(lockOf(id), () => Promise.reject(new Error("broken"))));
    expect(await failing).toMatchObject({ error: { message: "broken" } });
    expect(await stubOf(id).status()).toEqual(empty);
  });

  it("that fails because it lost its term stands again", async () => {
    const id = freshId();
    let terms = 0;
    const value = await lead(
      lockOf(id),
      async ({ signal }) => {
        if ((terms += 1) > 1) return "again";
        await lockOf(id).forceRelease();
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        return "never";
      },
      { ttl: 600 },
    );
    expect(value).toBe("again");
  });

  it("that dies is followed when its lease is over", async () => {
    const id = freshId();
    await leaseOf(lockOf(id).acquire(300));
    const one = candidate(id, "one");
    await one.leads();
    one.stop();
    await one.done;
  });

  it("goes on through a restart of the object, and so do those in line", async () => {
    const id = freshId();
    const one = candidate(id, "one");
    await one.leads();
    const two = candidate(id, "two");
    await untilWaiting(id, 1);
    await crash(id);
    await untilWaiting(id, 1);
    expect(one.term().signal.aborted).toBe(false);
    one.stop();
    expect(await one.done).toEqual({ value: "one" });
    await two.leads();
    two.stop();
    await two.done;
  });

  it("never leads beside another", async () => {
    const id = freshId();
    let leading = 0;
    const terms: number[] = [];
    const once = async ({ term }: Leadership) => {
      expect((leading += 1)).toBe(1);
      terms.push(term);
      await lockOf(id).isLocked();
      leading -= 1;
    };
    await Promise.all(Array.from({ length: 20 }, () => lead(lockOf(id), once)));
    expect(terms).toEqual(terms.toSorted((a, b) => a - b));
    expect(await stubOf(id).status()).toEqual(empty);
  });
});

describe("an abort", () => {
  it("before all else keeps a candidate from standing", async () => {
    const id = freshId();
    const one = candidate(id, "one", { signal: AbortSignal.abort(new Error("no")) });
    expect(await one.done).toMatchObject({ error: { message: "no" } });
    expect(one.terms).toEqual([]);
  });

  it("G8 takes a candidate out of the line", async () => {
    const id = freshId();
    const one = candidate(id, "one");
    await one.leads();
    const abort = new AbortController();
    const two = candidate(id, "two", { signal: abort.signal });
    await untilWaiting(id, 1);
    abort.abort(new Error("enough"));
    expect(await two.done).toMatchObject({ error: { message: "enough" } });
    await untilWaiting(id, 0);
    one.stop();
    await one.done;
  });

  it("G8 ends a term: its signal fires, and when the work has settled the lock is free", async () => {
    const id = freshId();
    const abort = new AbortController();
    const one = candidate(id, "one", { signal: abort.signal });
    await one.leads();
    abort.abort(new Error("enough"));
    expect(await one.done).toMatchObject({ error: { message: "enough" } });
    expect(one.term().signal.reason).toMatchObject({ message: "enough" });
    expect(await stubOf(id).status()).toEqual(empty);
  });
});

describe("over a bad network", () => {
  it("G5 a candidate whose replies are lost leads once at a time", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(losingReplies(["enqueue", "release"]));
    expect(await lead(lockOf(id, namespace), () => "led")).toBe("led");
    expect(await stubOf(id).status()).toEqual(empty);
  });

  it("an outage does not end a candidacy", async () => {
    const id = freshId();
    let failures = 3;
    const { namespace } = faultyNamespace(async (method, run) => {
      if (method === "enqueue" && (failures -= 1) >= 0)
        throw Object.assign(connectionLost(), { retryable: false, overloaded: true });
      return run();
    });
    expect(await lead(lockOf(id, namespace), () => "led")).toBe("led");
  });
});

describe("observe", () => {
  async function watch(id: string, count: number, options?: { signal?: AbortSignal }, namespace = env.DURABLE_LOCK) {
    const seen: (Leader | undefined)[] = [];
    for await (const leader of observe(lockOf(id, namespace), options)) {
      seen.push(leader);
      if (seen.length === count) break;
    }
    return seen;
  }

  it("tells who leads at once, who follows, and when nobody does", async () => {
    const id = freshId();
    const one = candidate(id, "one");
    await one.leads();
    const seeing = watch(id, 3);
    const two = candidate(id, "two");
    await untilWaiting(id, 1);
    one.stop();
    await two.leads();
    two.stop();
    await two.done;
    const owners = (await seeing).map((leader) => leader?.owner);
    expect(owners[0]).toBe("one");
    expect(owners.at(-1)).toBe(undefined);
  });

  it("notices a leader that died though nobody asks for the lock", async () => {
    const id = freshId();
    const term = await leaseOf(lockOf(id).acquire(400, { owner: "mortal" }));
    expect(await watch(id, 2)).toMatchObject([{ term, owner: "mortal" }, undefined]);
  });

  it("begins with nobody, and sees the first", async () => {
    const id = freshId();
    const seeing = watch(id, 2);
    const one = candidate(id, "one");
    await one.leads();
    expect((await seeing).at(-1)).toMatchObject({ owner: "one", term: one.term().term });
    one.stop();
    await one.done;
  });

  it("rides out a restart of the object", async () => {
    const id = freshId();
    await lockOf(id).acquire(10_000, { owner: "first" });
    const seen: unknown[] = [];
    const abort = new AbortController();
    const seeing = (async () => {
      for await (const leader of observe(lockOf(id), { signal: abort.signal })) seen.push(leader?.owner);
    })();
    await vi.waitFor(() => expect(seen).toEqual(["first"]));
    await crash(id);
    await lockOf(id).forceRelease();
    await vi.waitFor(() => expect(seen).toEqual(["first", undefined]), { timeout: 10_000 });
    abort.abort();
    await seeing;
  });

  it("ends quietly when it is aborted", async () => {
    const abort = new AbortController();
    const seeing = watch(freshId(), 2, { signal: abort.signal });
    abort.abort();
    expect((await seeing).length).toBeLessThanOrEqual(1);
  });

  it("G10 stores nothing for an id that was never used", async () => {
    const id = freshId();
    expect(await watch(id, 1)).toEqual([undefined]);
    expect(await stubOf(id).status()).toEqual(empty);
  });
});
