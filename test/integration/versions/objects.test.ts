import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { freshId, stubOf } from "../../support/locks.ts";

const unchecked = <T>(value: unknown) => value as T;

describe("This object and a client of the next version", () => {
  it.each([
    ["acquire", [1_000, { priority: 3 }]],
    ["renew", [1, 1_000, { priority: 3 }]],
    ["convert", [1, { priority: 3 }]],
    ["release", [1, { priority: 3 }]],
    ["release", [1, { result: { value: 1, failed: false, retain: 1, priority: 3 } }]],
    ["cancel", ["r", { priority: 3 }]],
    ["forceRelease", [{ priority: 3 }]],
    ["requestRelease", [{ priority: 3 }]],
  ] as [string, unknown[]][])(
    "G9: The object refuses an option that it does not know: %s %j.",
    async (method, args) => {
      const stub = stubOf(freshId());
      const call = unchecked<Record<string, (...args: unknown[]) => Promise<unknown>>>(stub);
      const reply = await call[method]?.(...args);
      expect(reply).toMatchObject({ success: false, reason: "INVALID_ARGUMENT", argument: "priority" });
      expect(await stub.status()).toEqual({ locked: false, holders: [], waiters: [] });
    },
  );

  it("G9: The object also refuses an unknown option of a request that would wait with a ticket.", async () => {
    const reply = await stubOf(freshId()).acquireOrQueue(1_000, unchecked({ wait: 10, priority: 3 }));
    expect(reply).toMatchObject({ reason: "INVALID_ARGUMENT", argument: "priority" });
  });

  it("To a caller of another protocol, a barrier names the protocol and not an option that only that protocol has.", async () => {
    const arrival = { parties: 2, requestId: "r", wait: 10, waited: 0, protocol: 99, priority: 3 };
    const reply = await env.DURABLE_RENDEZVOUS.getByName(freshId()).arriveAtBarrier(arrival).outcome.reply();
    expect(reply).toMatchObject({ success: false, reason: "VERSION_MISMATCH" });
  });

  it("The object ignores further arguments.", async () => {
    const stub = unchecked<{ acquire(...args: unknown[]): Promise<unknown> }>(stubOf(freshId()));
    expect(await stub.acquire(1_000, { owner: "me" }, { priority: 3 })).toMatchObject({ success: true });
  });
});

describe("This object and an older client", () => {
  it("The object serves a client that sends no request id and no waited time.", async () => {
    const stub = stubOf(freshId());
    const first = await stub.acquire(200);
    expect(first).toMatchObject({ success: true });
    expect(await stub.acquire(1_000)).toMatchObject({ reason: "BORROWED" });
    const next = await stub.acquire(1_000, { wait: 5_000 });
    expect(next).toMatchObject({ success: true });
    const lease = (next as { lease: number }).lease;
    expect(await stub.acquire(1_000, lease)).toMatchObject({ success: true, lease });
    expect(await stub.renew(lease, 1_000)).toMatchObject({ success: true, lease });
    expect(await stub.release(lease)).toBe(true);
    expect(await stub.release(lease)).toMatchObject({ reason: "NO_LONGER_VALID" });
  });

  it.each(["undefined", "null", ""])(
    "The object serves a client that sends lease=%s over plain requests.",
    async (none) => {
      const stub = stubOf(freshId());
      const ask = async (path: string) => (await stub.fetch(`http://object${path}`)).json<Record<string, unknown>>();
      const { lease } = await ask(`/acquire?ttl=10000&lease=${none}`);
      expect(lease).toEqual(expect.any(Number));
      expect(await ask(`/acquire?ttl=10000&lease=${none}`)).toMatchObject({ reason: "BORROWED" });
      expect(await ask(`/acquire?ttl=20000&lease=${String(lease)}`)).toMatchObject({ success: true, lease });
      expect(await ask(`/release?lease=${String(lease)}`)).toBe(true);
    },
  );
});
