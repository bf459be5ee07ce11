import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import type { ExitWatchReply, FollowReply, RefusalReply } from "../../../src/index.ts";
import { costOf } from "../../support/cost.ts";
import { crash, freshId, stubOf, untilWaiting } from "../../support/locks.ts";

const SLICE = 25_000;

async function told(reply: Promise<FollowReply | RefusalReply>): Promise<FollowReply> {
  const news = await reply;
  if (!("status" in news)) throw new Error(news.reason);
  return news;
}

const leaseOf = (reply: { success: boolean; lease?: number }) => reply.lease as number;

type Step = (id: string, lease: number) => Promise<unknown>;
const waiting = { wait: 60_000, owner: "waiter", requestId: "waiter" };

describe.concurrent("a follower", () => {
  it.each<[string, { ttl?: number; before?: Step; change?: Step; last: string }]>([
    ["a renewal", { change: (id, lease) => stubOf(id).renew(lease, 90_000), last: "granted" }],
    ["a release", { change: (id, lease) => stubOf(id).release(lease), last: "released" }],
    ["an expiry, by time alone", { ttl: 600, last: "expired" }],
    ["a forced end", { change: (id) => stubOf(id).forceRelease(), last: "superseded" }],
    ["a request to release", { change: (id) => stubOf(id).requestRelease(), last: "granted" }],
    [
      "a waiter that comes",
      {
        change: async (id) =>
          void stubOf(id)
            .acquire(1_000, waiting)
            .catch(() => {}),
        last: "granted",
      },
    ],
    [
      "a waiter that leaves",
      {
        before: async (id) => {
          void stubOf(id).acquire(1_000, waiting);
          while ((await stubOf(id).status()).waiters.length === 0);
        },
        change: (id) => stubOf(id).cancel("waiter"),
        last: "granted",
      },
    ],
  ])("learns about %s at once", async (_name, { ttl = 60_000, before, change, last }) => {
    const id = freshId();
    // Followed from before the grant, so that the grant is the first event.
    const first = await told(stubOf(id).follow(undefined, 0));
    const granted = told(stubOf(id).follow(first.revision, SLICE));
    const lease = leaseOf(await stubOf(id).acquire(ttl, { owner: "one" }));
    expect((await granted).timeline).toMatchObject([{ lease, owner: "one", what: "granted" }]);
    await before?.(id, lease);
    const { revision } = await told(stubOf(id).follow(undefined, 0));
    const parked = told(stubOf(id).follow(revision, SLICE));
    await change?.(id, lease);
    const news = await parked;
    expect(news.revision).not.toBe(revision);
    expect(news.timeline.at(-1)).toMatchObject({ lease, what: last });
    await stubOf(id).cancel("waiter");
  });

  it("learns about a writer that becomes a reader, which takes as many permits", async () => {
    const id = freshId();
    const lease = leaseOf(await stubOf(id).acquire(60_000));
    const { revision } = await told(stubOf(id).follow(undefined, 0));
    await stubOf(id).convert(lease, { permits: 1, capacity: Infinity });
    expect((await told(stubOf(id).follow(revision, 0))).revision).not.toBe(revision);
  });

  it("learns about a waiter in another's place", async () => {
    const id = freshId();
    await stubOf(id).acquire(60_000);
    const first = stubOf(id).acquire(1_000, { wait: 300, owner: "first" });
    await untilWaiting(id, 1);
    const { revision } = await told(stubOf(id).follow(undefined, 0));
    // In one turn, so that the wait of the first ends in the very call that brings the second.
    await runInDurableObject(stubOf(id), (lock) => {
      const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 1_000);
      void lock.acquire(1_000, { wait: 300, owner: "second" });
      clock.mockRestore();
    });
    await first;
    const news = await told(stubOf(id).follow(revision, 0));
    expect(news.status.waiters).toMatchObject([{ owner: "second" }]);
    expect(news.revision).not.toBe(revision);
  });

  it("is told that a holder that died expired, and not that somebody ended it, when the lock is handed on", async () => {
    const id = freshId();
    await stubOf(id).follow(undefined, 0);
    const holding = await stubOf(id).acquire(60_000, { owner: "dies" });
    const lease = leaseOf(holding);
    const bond = (await stubOf(id).watchExit(lease)) as unknown as ExitWatchReply & Disposable;
    void Promise.resolve(bond.events.next(false)).catch(() => {});
    const next = stubOf(id).acquire(60_000, { wait: 20_000, owner: "next" });
    await untilWaiting(id, 1);
    bond[Symbol.dispose]();
    await next;
    const { timeline } = await told(stubOf(id).follow(undefined, 0));
    expect(timeline.map(({ owner, what }) => `${owner} ${what}`)).toEqual([
      "dies granted",
      "dies expired",
      "next granted",
    ]);
  });

  it("is told by its own time that nothing has changed", async () => {
    const id = freshId();
    await stubOf(id).acquire(60_000);
    const { revision } = await told(stubOf(id).follow(undefined, 0));
    expect((await told(stubOf(id).follow(revision, 50))).revision).toBe(revision);
  });

  it("takes a restart for a change", async () => {
    const id = freshId();
    await stubOf(id).acquire(60_000);
    const { revision } = await told(stubOf(id).follow(undefined, 0));
    await crash(id);
    expect((await told(stubOf(id).follow(revision, SLICE))).revision).not.toBe(revision);
  });

  it("misses nothing between two of its calls, and is told the latest 50 events", async () => {
    const id = freshId();
    const { revision } = await told(stubOf(id).follow(undefined, 0));
    for (let round = 0; round < 30; round += 1) await stubOf(id).release(leaseOf(await stubOf(id).acquire(60_000)));
    const { timeline } = await told(stubOf(id).follow(revision, SLICE));
    expect(timeline.map(({ what }) => what)).toEqual(Array.from({ length: 25 }, () => ["granted", "released"]).flat());
  });

  it("never sees a request id, which is the power to cancel", async () => {
    const id = freshId();
    await stubOf(id).follow(undefined, 0);
    await stubOf(id).acquire(60_000, { requestId: "secret" });
    void stubOf(id).acquire(60_000, { requestId: "secret too", wait: 60_000 });
    while ((await stubOf(id).status()).waiters.length === 0);
    expect(JSON.stringify(await stubOf(id).follow(undefined, 0))).not.toContain("secret");
    await stubOf(id).cancel("secret too");
  });

  it("G9 is refused for a revision or a wait that can't be", async () => {
    expect(await stubOf(freshId()).follow("", 0)).toMatchObject({ reason: "INVALID_ARGUMENT", argument: "known" });
    expect(await stubOf(freshId()).follow("a", -1)).toMatchObject({ reason: "INVALID_ARGUMENT", argument: "wait" });
  });
});

it("G10 costs no row", async () => {
  const id = freshId();
  expect(await costOf(id, () => stubOf(id).follow(undefined, 0))).toMatchObject({ written: 0 });
});
