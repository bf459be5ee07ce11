import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import type { ExitWatchReply, FollowReply, RefusalReply } from "../../../src/index.ts";
import { costOf } from "../../support/cost.ts";
import { crash, freshId, stubOf, untilWaiting } from "../../support/locks.ts";

const LONG_POLL = 25_000;

async function followed(call: Promise<FollowReply | RefusalReply>): Promise<FollowReply> {
  const reply = await call;
  if (!("status" in reply)) throw new Error(reply.reason);
  return reply;
}

const leaseOf = (reply: { success: boolean; lease?: number }) => reply.lease as number;

type Step = (id: string, lease: number) => Promise<unknown>;
const waiting = { wait: 60_000, owner: "waiter", requestId: "waiter" };

describe.concurrent("Followers", () => {
  it.each<[string, { ttl?: number; before?: Step; change?: Step; last: string }]>([
    ["a renewal", { change: (id, lease) => stubOf(id).renew(lease, 90_000), last: "granted" }],
    ["a release", { change: (id, lease) => stubOf(id).release(lease), last: "released" }],
    ["an expiry without any call", { ttl: 600, last: "expired" }],
    ["a forced release", { change: (id) => stubOf(id).forceRelease(), last: "superseded" }],
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
  ])("A follower learns at once about %s.", async (_name, { ttl = 60_000, before, change, last }) => {
    const id = freshId();
    // The follower starts before the grant, so that the grant is the first event.
    const first = await followed(stubOf(id).follow(undefined, 0));
    const granted = followed(stubOf(id).follow(first.revision, LONG_POLL));
    const lease = leaseOf(await stubOf(id).acquire(ttl, { owner: "one" }));
    expect((await granted).timeline).toMatchObject([{ lease, owner: "one", what: "granted" }]);
    await before?.(id, lease);
    const { revision } = await followed(stubOf(id).follow(undefined, 0));
    const parked = followed(stubOf(id).follow(revision, LONG_POLL));
    await change?.(id, lease);
    const reply = await parked;
    expect(reply.revision).not.toBe(revision);
    expect(reply.timeline.at(-1)).toMatchObject({ lease, what: last });
    await stubOf(id).cancel("waiter");
  });

  it("A follower learns about a writer that becomes a reader, even though both take one permit.", async () => {
    const id = freshId();
    const lease = leaseOf(await stubOf(id).acquire(60_000));
    const { revision } = await followed(stubOf(id).follow(undefined, 0));
    await stubOf(id).convert(lease, { permits: 1, capacity: Infinity });
    expect((await followed(stubOf(id).follow(revision, 0))).revision).not.toBe(revision);
  });

  it("A follower learns that one waiter has replaced another.", async () => {
    const id = freshId();
    await stubOf(id).acquire(60_000);
    const first = stubOf(id).acquire(1_000, { wait: 300, owner: "first" });
    await untilWaiting(id, 1);
    const { revision } = await followed(stubOf(id).follow(undefined, 0));
    // In one step, so that the wait of the first ends in the call that brings the second.
    await runInDurableObject(stubOf(id), (lock) => {
      const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 1_000);
      void lock.acquire(1_000, { wait: 300, owner: "second" });
      clock.mockRestore();
    });
    await first;
    const reply = await followed(stubOf(id).follow(revision, 0));
    expect(reply.status.waiters).toMatchObject([{ owner: "second" }]);
    expect(reply.revision).not.toBe(revision);
  });

  it("A follower sees the lease of a holder that died as expired when the lock is handed on.", async () => {
    const id = freshId();
    await stubOf(id).follow(undefined, 0);
    const holding = await stubOf(id).acquire(60_000, { owner: "dies" });
    const lease = leaseOf(holding);
    const watch = (await stubOf(id).watchExit(lease)) as unknown as ExitWatchReply & Disposable;
    void Promise.resolve(watch.events.next(false)).catch(() => {});
    const next = stubOf(id).acquire(60_000, { wait: 20_000, owner: "next" });
    await untilWaiting(id, 1);
    watch[Symbol.dispose]();
    await next;
    const { timeline } = await followed(stubOf(id).follow(undefined, 0));
    expect(timeline.map(({ owner, what }) => `${owner} ${what}`)).toEqual([
      "dies granted",
      "dies expired",
      "next granted",
    ]);
  });

  it("A follower learns at the end of its own time that nothing has changed.", async () => {
    const id = freshId();
    await stubOf(id).acquire(60_000);
    const { revision } = await followed(stubOf(id).follow(undefined, 0));
    expect((await followed(stubOf(id).follow(revision, 50))).revision).toBe(revision);
  });

  it("A follower sees a restart as a change.", async () => {
    const id = freshId();
    await stubOf(id).acquire(60_000);
    const { revision } = await followed(stubOf(id).follow(undefined, 0));
    await crash(id);
    expect((await followed(stubOf(id).follow(revision, LONG_POLL))).revision).not.toBe(revision);
  });

  it("A follower misses nothing between two of its calls, and gets the latest 50 events.", async () => {
    const id = freshId();
    const { revision } = await followed(stubOf(id).follow(undefined, 0));
    for (let round = 0; round < 30; round += 1) await stubOf(id).release(leaseOf(await stubOf(id).acquire(60_000)));
    const { timeline } = await followed(stubOf(id).follow(revision, LONG_POLL));
    expect(timeline.map(({ what }) => what)).toEqual(Array.from({ length: 25 }, () => ["granted", "released"]).flat());
  });

  it("A follower never sees a request id, because a request id allows cancelling.", async () => {
    const id = freshId();
    await stubOf(id).follow(undefined, 0);
    await stubOf(id).acquire(60_000, { requestId: "secret" });
    void stubOf(id).acquire(60_000, { requestId: "secret too", wait: 60_000 });
    while ((await stubOf(id).status()).waiters.length === 0);
    expect(JSON.stringify(await stubOf(id).follow(undefined, 0))).not.toContain("secret");
    await stubOf(id).cancel("secret too");
  });

  it("G9 A follower is refused for a bad revision or wait.", async () => {
    expect(await stubOf(freshId()).follow("", 0)).toMatchObject({ reason: "INVALID_ARGUMENT", argument: "known" });
    expect(await stubOf(freshId()).follow("a", -1)).toMatchObject({ reason: "INVALID_ARGUMENT", argument: "wait" });
  });
});

it("G10 A follower's call writes no row.", async () => {
  const id = freshId();
  expect(await costOf(id, () => stubOf(id).follow(undefined, 0))).toMatchObject({ written: 0 });
});
