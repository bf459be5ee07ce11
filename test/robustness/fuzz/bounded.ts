import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { PastRequests } from "../../../src/core/leases/past-requests.ts";
import type { ArrivalTicket, ExitWatchReply, DurableLock, DurableRendezvous } from "../../../src/index.ts";
import { changeableLimits } from "../../support/limits.ts";
import { freshId, stubOf } from "../../support/locks.ts";
import { inside, PARKED, settled } from "./host.ts";

const MANY = 50_000;

async function reasonOf(reply: unknown): Promise<unknown> {
  const answer = await settled(reply);
  return answer === PARKED ? PARKED : ((answer as { reason?: string }).reason ?? answer);
}

/** Everything that is remembered or parked has a limit that no caller can exceed. */
export function staysBounded(): void {
  const changeLimits = changeableLimits();

  it("G9 A lock remembers the latest 10,000 past requests, by id and by number.", () => {
    const past = new PastRequests();
    // Each request ended twice: the second time by a forced release with the same request id and a separate number.
    for (let n = 0; n < MANY; n += 1)
      for (const lease of [2 * n, 2 * n + 1]) past.add({ requestId: `r${n}`, lease, how: "released" }, n);
    const numbers = Array.from({ length: MANY }, (_, n) => n);
    const byRequest = numbers.filter((n) => past.byRequest(`r${n}`));
    const byLease = [...numbers.map((n) => 2 * n), ...numbers.map((n) => 2 * n + 1)].filter((n) => past.byLease(n));
    expect([byRequest.length, byRequest[0], byLease.length, byLease[0]]).toEqual([
      10_000,
      MANY - 10_000,
      10_000,
      2 * MANY - 19_999,
    ]);
  });

  it("G9 A lock that is called under ever new request ids forgets the first and knows the last.", async () => {
    await inside<DurableLock>(stubOf(freshId()), async (lock, { storage }) => {
      for (let n = 0; n < 12_000; n += 1) await lock.cancel(`r${n}`);
      expect(await lock.acquire(1_000, { requestId: "r11999" })).toMatchObject({ reason: "NO_LONGER_VALID" });
      expect(await lock.acquire(1_000, { requestId: "r0" })).toMatchObject({ success: true });
      for (let n = 0; n < 5_000; n += 1) await lock.forceRelease({ requestId: `f${n}` });
      expect(storage.sql.exec("SELECT count(*) AS rows, max(length(past)) AS longest FROM leases").one()).toEqual({
        rows: 1,
        longest: expect.any(Number),
      });
    });
  });

  it("G9 A lock parks 100 calls of one request, and as many requests as may wait, under one timer.", async () => {
    changeLimits({ maxWaiters: 1_000 });
    await inside<DurableLock>(stubOf(freshId()), async (lock, _state, { timers }) => {
      await lock.acquire(60_000);
      const ask = (requestId: string) => lock.acquire(1_000, { wait: 60_000, requestId });
      const same = await Promise.all(Array.from({ length: 300 }, () => reasonOf(ask("same"))));
      expect(same.filter((reason) => reason === PARKED)).toHaveLength(100);
      expect(new Set(same.slice(100))).toEqual(new Set(["QUEUE_FULL"]));
      for (let n = 1; n < 1_000; n += 1) void ask(`r${n}`);
      expect(await reasonOf(ask("one more"))).toBe("QUEUE_FULL");
      expect([(await lock.status()).waiters.length, timers()]).toEqual([1_000, 1]);
      await lock.forceRelease();
      for (let n = 0; n < 1_000; n += 1) await lock.cancel(n === 0 ? "same" : `r${n}`);
      expect([(await lock.status()).waiters.length, timers()]).toEqual([0, 0]);
    });
  });

  it("G9 A lease keeps its latest 100 exit watches and one call for lease events, however often its holder asks.", async () => {
    await inside<DurableLock>(stubOf(freshId()), async (lock, _state, { timers }) => {
      const { lease } = (await lock.acquire(60_000)) as { lease: number };
      const watches: ExitWatchReply[] = [];
      for (let n = 0; n < 10_000; n += 1) watches.push((await lock.watchExit(lease)) as ExitWatchReply);
      const events = new Set(watches.map((watch) => watch.events.next(false)));
      expect([events.size, timers()]).toEqual([1, 1]);
      // The lease ends when the last of the latest 100 watches is disposed of; earlier watches are forgotten.
      for (const { handle } of watches.slice(0, -1)) handle[Symbol.dispose]();
      expect(await lock.isLocked()).toBe(true);
      watches.at(-1)?.handle[Symbol.dispose]();
      expect(await lock.isLocked()).toBe(false);
      expect(await Promise.all(events)).toEqual([{ ended: "expired" }]);
      expect(timers()).toBe(0);
    });
  });

  it("G9 A latch counts at most 10,000 times, and a barrier parks 100 calls of one party.", async () => {
    await inside<DurableRendezvous>(env.DURABLE_RENDEZVOUS.getByName(freshId()), async (object, { storage }) => {
      for (let n = 0; n < 12_000; n += 1) await object.countDown(10_000, 1, `r${n}`);
      expect(storage.sql.exec("SELECT count(*) AS rows FROM count_downs").one()).toEqual({ rows: 10_000 });
      const come = (): ArrivalTicket =>
        object.arriveAtBarrier({ parties: 2, requestId: "same", wait: 60_000, waited: 0 });
      const replies = await Promise.all(Array.from({ length: 300 }, () => reasonOf(come().outcome.reply())));
      expect(replies.filter((reason) => reason === PARKED)).toHaveLength(100);
      expect(await object.waiting()).toBe(1);
      await object.leave("same");
    });
  });
}
