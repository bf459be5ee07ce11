import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { crash, freshId, leaseOf, outcome, stubOf, untilWaiting } from "../../support/locks.ts";

describe("G5 repeated requests", () => {
  it("A repeated acquire returns the same lease and lengthens nothing.", async () => {
    const stub = stubOf(freshId());
    const first = await stub.acquire(10_000, { requestId: "a" });
    const again = await stub.acquire(60_000, { requestId: "a" });
    expect(again).toMatchObject({ success: true, lease: (first as { lease: number }).lease });
    expect((again as { deadline: number }).deadline).toBe((first as { deadline: number }).deadline);
    expect((await stub.status()).holders).toHaveLength(1);
  });

  it("A repeated acquire returns the same lease after an eviction and after a crash.", async () => {
    const id = freshId();
    const lease = await leaseOf(stubOf(id).acquire(10_000, { requestId: "a" }));
    await evictDurableObject(stubOf(id));
    expect(await stubOf(id).acquire(10_000, { requestId: "a" })).toMatchObject({ lease });
    await crash(id);
    expect(await stubOf(id).acquire(10_000, { requestId: "a" })).toMatchObject({ lease });
  });

  it("A request over RPC with the character U+10000 in its id belongs to no token, even after a crash.", async () => {
    const id = freshId();
    const requestId = "one\u{10000}";
    const lease = await leaseOf(stubOf(id).acquire(10_000, { requestId }));
    const one = { tokenName: "one", isAdmin: false };
    expect(await stubOf(id).release(lease, { caller: one })).toMatchObject({ reason: "OTHER_TOKEN" });
    await crash(id);
    expect(await stubOf(id).acquire(10_000, { requestId })).toMatchObject({ lease });
  });

  it("A token whose name has a character such as U+103FF owns its lease, after a crash too.", async () => {
    const id = freshId();
    const options = { requestId: "a", caller: { tokenName: "a\u{103ff}b", isAdmin: false } };
    const lease = await leaseOf(stubOf(id).acquire(10_000, options));
    await crash(id);
    expect(await stubOf(id).acquire(10_000, options)).toMatchObject({ lease });
    expect(await stubOf(id).release(lease, options)).toBe(true);
  });

  it("A repeated shared acquire does not take its permits twice.", async () => {
    const stub = stubOf(freshId());
    const claim = { permits: 2, capacity: 3 };
    await stub.acquire(10_000, { ...claim, requestId: "a" });
    await stub.acquire(10_000, { ...claim, requestId: "a" });
    expect(await stub.acquire(10_000, { permits: 1, capacity: 3 })).toMatchObject({ success: true });
  });

  it("A repeated queued acquire returns the lease that was granted meanwhile.", async () => {
    const id = freshId();
    const stub = stubOf(id);
    const lease = await leaseOf(stub.acquire(10_000));
    const waiting = outcome((async () => await stub.acquire(10_000, { wait: 9_000, requestId: "a" }))());
    await untilWaiting(id, 1);
    await stub.release(lease);
    const granted = (await waiting).value;
    expect(await stub.acquire(10_000, { wait: 9_000, requestId: "a" })).toMatchObject({
      lease: (granted as { lease: number }).lease,
    });
  });

  it("A repeated renewal does not move the deadline, even after a later renewal shortened the lease.", async () => {
    const stub = stubOf(freshId());
    const lease = await leaseOf(stub.acquire(10_000));
    await stub.renew(lease, 60_000, { requestId: "long" });
    const short = await stub.renew(lease, 1_000, { requestId: "short" });
    const late = await stub.renew(lease, 60_000, { requestId: "long" });
    expect((late as { deadline: number }).deadline).toBe((short as { deadline: number }).deadline);
  });

  it("A renewal repeated after a crash does not move the deadline.", async () => {
    const id = freshId();
    const lease = await leaseOf(stubOf(id).acquire(10_000));
    const renewed = await stubOf(id).renew(lease, 60_000, { requestId: "r" });
    await crash(id);
    const again = await stubOf(id).renew(lease, 80_000, { requestId: "r" });
    expect((again as { deadline: number }).deadline).toBe((renewed as { deadline: number }).deadline);
  });

  it("A repeated release gets the same answer as the first, even after a hand-off and after a crash.", async () => {
    const id = freshId();
    const lease = await leaseOf(stubOf(id).acquire(10_000));
    expect(await stubOf(id).release(lease, { requestId: "r" })).toBe(true);
    expect(await stubOf(id).release(lease, { requestId: "r" })).toBe(true);
    const next = await leaseOf(stubOf(id).acquire(10_000));
    expect(await stubOf(id).release(lease, { requestId: "r" })).toBe(true);
    await crash(id);
    expect(await stubOf(id).release(lease, { requestId: "r" })).toBe(true);
    expect(await stubOf(id).renew(next, 10_000)).toMatchObject({ success: true });
  });

  it("A late duplicate of an acquire does not take a lock that was released.", async () => {
    const stub = stubOf(freshId());
    const lease = await leaseOf(stub.acquire(10_000, { requestId: "a" }));
    await stub.release(lease);
    expect(await stub.acquire(10_000, { requestId: "a" })).toMatchObject({ reason: "NO_LONGER_VALID" });
    expect(await stub.acquire(10_000, { requestId: "a", wait: 1_000 })).toMatchObject({ reason: "NO_LONGER_VALID" });
    expect(await stub.isLocked()).toBe(false);
  });

  it("A late duplicate of an acquire takes nothing after 15 others held the lock, nor after a crash.", async () => {
    const id = freshId();
    await stubOf(id).release(await leaseOf(stubOf(id).acquire(10_000, { requestId: "a" })));
    for (let i = 0; i < 15; i += 1) await stubOf(id).release(await leaseOf(stubOf(id).acquire(10_000)));
    expect(await stubOf(id).acquire(10_000, { requestId: "a" })).toMatchObject({ reason: "NO_LONGER_VALID" });
    await crash(id);
    expect(await stubOf(id).acquire(10_000, { requestId: "a" })).toMatchObject({ reason: "NO_LONGER_VALID" });
    expect(await stubOf(id).isLocked()).toBe(false);
  });
});
