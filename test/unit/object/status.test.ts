import { describe, expect, it } from "vitest";
import type { LockHolder } from "../../../src/index.ts";
import { crash, freshId, leaseOf, lockOf, sleep, stubOf } from "../../support/locks.ts";
import { ask, at } from "../../integration/service/calls.ts";

type Holder = Pick<LockHolder, "lease" | "since" | "deadline" | "ttl" | "renewedAt">;

const CHANNELS: Record<string, (id: string) => Promise<Holder[]>> = {
  RPC: async (id) => (await lockOf(id).status()).holders,
  HTTP: async (id) => (await ask(at(id))).body["holders"] as unknown as Holder[],
  "a plain request": async (id) =>
    (await (await stubOf(id).fetch("http://localhost/status")).json<{ holders: Holder[] }>()).holders,
  "a watch": async (id) => {
    const reply = await stubOf(id).watch(0, 0);
    return "holders" in reply ? reply.holders : [];
  },
  "a follower's call": async (id) => {
    const reply = await stubOf(id).follow(undefined, 0);
    return "status" in reply ? reply.status.holders : [];
  },
};

const SHARED = { permits: 1, capacity: 3 };

describe.each(Object.entries(CHANNELS))("Status over %s: ttl and last renewal", (_name, holdersOf) => {
  const only = async (id: string): Promise<Required<Holder>> => {
    const [holder, ...others] = await holdersOf(id);
    expect(others).toEqual([]);
    expect(holder).toMatchObject({ ttl: expect.any(Number), renewedAt: expect.any(Number) });
    return holder as Required<Holder>;
  };
  /** Lets the object's clock move on, so that a change would show. */
  const untilLater = () => sleep(5);

  it("The status shows the grant as the last renewal of an exclusive lease that was never renewed.", async () => {
    const id = freshId();
    await leaseOf(lockOf(id).acquire(60_000));
    const { ttl, renewedAt, since, deadline } = await only(id);
    expect([ttl, renewedAt, deadline]).toEqual([60_000, since, since + 60_000]);
  });

  it("The status shows each of several shared leases with its own ttl and renewal.", async () => {
    const id = freshId();
    await leaseOf(lockOf(id).acquire(60_000, SHARED));
    await leaseOf(lockOf(id).acquire(90_000, SHARED));
    const holders = await holdersOf(id);
    expect(holders.map(({ ttl }) => ttl)).toEqual([60_000, 90_000]);
    expect(holders.map(({ renewedAt }) => renewedAt)).toEqual(holders.map(({ since }) => since));
  });

  it("The status shows the ttl and the time of a renewal, and a repetition moves neither.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    await untilLater();
    await leaseOf(lockOf(id).renew(lease, 80_000, { requestId: "the same" }));
    const renewed = await only(id);
    expect([renewed.ttl, renewed.deadline - renewed.renewedAt]).toEqual([80_000, 80_000]);
    expect(renewed.renewedAt).toBeGreaterThan(renewed.since);
    await untilLater();
    await leaseOf(lockOf(id).renew(lease, 80_000, { requestId: "the same" }));
    expect(await only(id)).toEqual(renewed);
  });

  it("The status shows the shorter ttl of a lease that a renewal shortened.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    await untilLater();
    await leaseOf(lockOf(id).renew(lease, 30_000));
    const { ttl, renewedAt, since } = await only(id);
    expect(ttl).toBe(30_000);
    expect(renewedAt).toBeGreaterThan(since);
  });

  it("The status shows when a lease was resumed.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    await untilLater();
    const held = await lockOf(id).resume(lease, { ttl: 70_000 });
    const { ttl, renewedAt, since } = await only(id);
    expect(ttl).toBe(70_000);
    expect(renewedAt).toBeGreaterThan(since);
    await held.release();
  });

  it("The status shows the same ttl and renewal after a conversion, because a conversion does not renew.", async () => {
    const id = freshId();
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    const before = await only(id);
    await untilLater();
    await leaseOf(stubOf(id).convert(lease, SHARED));
    expect(await only(id)).toEqual({ ...before, exclusive: false, ...SHARED });
  });

  it("The status shows renewed and converted leases unchanged after a restart of the object.", async () => {
    const id = freshId();
    const renewed = await leaseOf(lockOf(id).acquire(60_000, SHARED));
    await leaseOf(lockOf(id).acquire(90_000, SHARED));
    await untilLater();
    await leaseOf(lockOf(id).renew(renewed, 80_000));
    await leaseOf(stubOf(id).convert(renewed, { permits: 2, capacity: 3 }));
    const before = await holdersOf(id);
    expect(before.map(({ ttl }) => ttl)).toEqual([80_000, 90_000]);
    await crash(id);
    await untilLater();
    expect(await holdersOf(id)).toEqual(before);
  });
});
