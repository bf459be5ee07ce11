import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { connectLocks, lead, observe } from "../../../src/client.ts";
import { type ProxyName, isInstalled, startProxy } from "../../support/node/debian-proxy.ts";
import { type Cut, FaultProxy } from "../../support/node/fault-proxy.ts";
import { type Service, startService, TOKEN } from "../../support/node/service.ts";
import { failureOf, freshId, sleep } from "../../support/outcome.ts";

/** Longer than the old client's patience, which was 30 s; and all that is cut is cut several times by then. */
const HELD_FOR = 34_000;
const TIMEOUT = 60_000;
const soon = { timeout: 20_000, interval: 50 };

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(async () => service[Symbol.asyncDispose]());

const lockOf = (id: string, url = service.url) => connectLocks({ url, token: TOKEN }).lock(id);

const untilWaiting = (id: string, count: number) =>
  vi.waitFor(async () => expect((await lockOf(id).status()).waiters).toHaveLength(count), soon);

/** Two wait for a minute behind a proxy, and one beside it; who got the lock, in order. */
async function waitThrough(url: string): Promise<string[]> {
  const id = freshId();
  const held = await lockOf(id).hold({ ttl: 60_000 });
  const granted: string[] = [];
  const waiting: Promise<unknown>[] = [];
  const places = [
    ["one", url],
    ["two", service.url],
    ["three", url],
  ] as const;
  for (const [place, [owner, way]] of places.entries()) {
    waiting.push(lockOf(id, way).withLock(() => granted.push(owner), { owner, wait: 60_000 }));
    await untilWaiting(id, place + 1);
  }
  await sleep(HELD_FOR);
  await held.release();
  await Promise.all(waiting);
  return granted;
}

const CUTS: [after: number, how: Cut][] = [
  [8_000, "504"],
  [10_000, "close"],
  [15_000, "504"],
];

describe.concurrent("G4 a wait of a minute keeps its place", () => {
  it.each(CUTS)(
    "through a proxy that cuts after %d ms by %s",
    async (after, how) => {
      await using proxy = await FaultProxy.to(service.url, { timeout: { after, how } });
      expect(await waitThrough(proxy.url)).toEqual(["one", "two", "three"]);
      // One for each of the two, and then their polls are shorter.
      expect(proxy.cuts).toBe(2);
    },
    TIMEOUT,
  );

  it.each<[ProxyName, number]>([
    ["haproxy", 10_000],
    ["nginx", 8_000],
  ])(
    "through %s with a timeout of %d ms",
    async (name, timeout) => {
      if (!isInstalled(name)) return expect(process.env["CI"]).toBeUndefined();
      await using proxy = await startProxy(name, service.url, timeout);
      expect(await waitThrough(proxy.url)).toEqual(["one", "two", "three"]);
    },
    TIMEOUT,
  );

  it(
    "as a candidate for leadership and as its observer, through a proxy that cuts after 10 s",
    async () => {
      await using proxy = await FaultProxy.to(service.url, { timeout: { after: 10_000, how: "504" } });
      const id = freshId();
      const held = await lockOf(id).hold({ ttl: 60_000, owner: "before" });
      const led: string[] = [];
      const first = lead(lockOf(id, proxy.url), () => led.push("first"), { owner: "first" });
      await untilWaiting(id, 1);
      const second = lead(lockOf(id), () => led.push("second"), { owner: "second" });
      await untilWaiting(id, 2);
      const seen = (async () => {
        const owners: (string | undefined)[] = [];
        for await (const leader of observe(lockOf(id, proxy.url))) {
          owners.push(leader?.owner);
          if (leader === undefined || owners.length === 2) return owners;
        }
        return owners;
      })();
      await sleep(HELD_FOR);
      await held.release();
      await Promise.all([first, second]);
      expect(led).toEqual(["first", "second"]);
      // Of changes in quick succession only the last may be seen.
      expect((await seen)[0]).toBe("before");
      expect(await seen).toHaveLength(2);
    },
    TIMEOUT,
  );
});

describe.concurrent("a stream of events", () => {
  it(
    "of a lock to which nothing happens is not cut by a proxy with a timeout of 5 s",
    async () => {
      await using proxy = await FaultProxy.to(service.url, { timeout: { after: 5_000, how: "close", streams: true } });
      const leave = new AbortController();
      const events = await fetch(`${proxy.url}/v1/locks/${freshId()}/events`, {
        headers: { Authorization: `Bearer ${TOKEN}` },
        signal: leave.signal,
      });
      const read = [];
      for await (const chunk of events.body ?? []) if (read.push(new TextDecoder().decode(chunk)) === 4) break;
      leave.abort();
      expect(proxy.cuts).toBe(0);
      expect(read[0]).toContain("event: status");
      expect(read.slice(1)).toEqual(Array.from({ length: 3 }, () => ": still here\n\n"));
    },
    TIMEOUT,
  );
});

describe.concurrent("G11 a way through which no poll gets", () => {
  it(
    "is an outage and never contention, with the last cut as its cause, if no answer comes between two cuts",
    async () => {
      // Well below 6.25 s, of which the next poll, at 80 %, would be longer than the shortest one.
      await using proxy = await FaultProxy.to(service.url, { timeout: { after: 5_500, how: "504", reaches: false } });
      const failure = await failureOf(lockOf(freshId(), proxy.url).withLock(() => {}, { wait: 60_000 }));
      expect(failure).toMatchObject({
        code: "UNREACHABLE",
        cause: { message: expect.stringContaining("504") },
        message: expect.stringContaining("proxy"),
      });
      expect(proxy.cuts).toBe(3);
    },
    TIMEOUT,
  );

  it.each(CUTS.map(([, how]) => how).slice(0, 2))(
    "because a proxy cuts below 5 s by %s is an outage that names the proxy's timeout",
    async (how) => {
      await using proxy = await FaultProxy.to(service.url, { timeout: { after: 3_000, how } });
      const id = freshId();
      await using held = await lockOf(id).hold({ ttl: 60_000 });
      const failure = await failureOf(lockOf(id, proxy.url).withLock(() => {}, { wait: 60_000 }));
      expect(held.isLost()).toBe(false);
      expect(failure).toMatchObject({ code: "UNREACHABLE", cause: expect.any(Error) });
      expect(String(failure)).toMatch(/cut 3\.\d s after it was sent: .*Raise the proxy's timeout/);
    },
    TIMEOUT,
  );
});
