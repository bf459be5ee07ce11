import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { connectLocks, lead, observe } from "../../../src/client.ts";
import { type ProxyName, isInstalled, startProxy } from "../../support/node/debian-proxy.ts";
import { type Cut, FaultProxy } from "../../support/node/fault-proxy.ts";
import { type Service, startService, TOKEN } from "../../support/node/service.ts";
import { failureOf, freshId, sleep } from "../../support/outcome.ts";

/** Longer than the 30 s after which an older client gave up, and long enough for several cuts. */
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

/** Two waiters wait for a minute through a proxy, and one without it; returns the order of the grants. */
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

describe.concurrent("A wait of a minute through a proxy", () => {
  it.each(CUTS)(
    "G4: A waiter keeps its place through a proxy that cuts after %d ms by %s.",
    async (after, how) => {
      await using proxy = await FaultProxy.to(service.url, { timeout: { after, how } });
      expect(await waitThrough(proxy.url)).toEqual(["one", "two", "three"]);
      // One cut for each of the two waiters; after that their long polls are shorter.
      expect(proxy.cuts).toBe(2);
    },
    TIMEOUT,
  );

  it.each<[ProxyName, number]>([
    ["haproxy", 10_000],
    ["nginx", 8_000],
  ])(
    "G4: A waiter keeps its place through %s with a timeout of %d ms.",
    async (name, timeout) => {
      if (!isInstalled(name)) return expect(process.env["CI"]).toBeUndefined();
      await using proxy = await startProxy(name, service.url, timeout);
      expect(await waitThrough(proxy.url)).toEqual(["one", "two", "three"]);
    },
    TIMEOUT,
  );

  it(
    "G4: A candidate keeps its place and an observer goes on through a proxy that cuts after 10 s.",
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
      // An observer may see only the last of several quick changes.
      expect((await seen)[0]).toBe("before");
      expect(await seen).toHaveLength(2);
    },
    TIMEOUT,
  );
});

describe.concurrent("A stream of events through a proxy", () => {
  it(
    "The event stream of an idle lock is not cut by a proxy with a timeout of 5 s.",
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

describe.concurrent("A proxy through which no long poll gets", () => {
  it(
    "G11: If no answer comes between two cuts, that is an outage with the last cut as its cause, not contention.",
    async () => {
      // Well below 6.25 s, of which the next poll, at 80 %, would be longer than the shortest one.
      await using proxy = await FaultProxy.to(service.url, { timeout: { after: 5_500, how: "504", reaches: false } });
      const failure = await failureOf(lockOf(freshId(), proxy.url).withLock(() => {}, { wait: 60_000 }));
      expect(failure).toMatchObject({
        code: "UNREACHABLE",
        cause: { message: expect.stringContaining("504") },
        message: expect.stringContaining("proxy"),
      });
      // On a busy machine the first cut may come so late that one more poll is worth a try.
      expect([3, 4]).toContain(proxy.cuts);
    },
    TIMEOUT,
  );

  it.each(CUTS.map(([, how]) => how).slice(0, 2))(
    "G11: A proxy that cuts below 5 s by %s causes an outage that names the proxy's timeout.",
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
