import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { once } from "../../../src/index.ts";
import { crash, freshId, leaseOf, lockOf, outcome, stubOf } from "../../support/locks.ts";
import { DAY, RERUN, askedNow, kept, stored } from "../../support/once.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("The retain time of a result", () => {
  let start: number;
  const setClock = (ms: number) => vi.spyOn(Date, "now").mockReturnValue(start + ms);
  beforeEach(() => {
    start = Date.now();
    setClock(0);
  });

  it("A result is kept for a day by default, and then the job runs again.", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first");
    setClock(DAY - 1);
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
    setClock(DAY);
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: false });
  });

  it("A result is kept for its retain time across a crash and an eviction.", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first", { retain: 1_000 });
    await crash(id);
    setClock(999);
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
    await evictDurableObject(stubOf(id));
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
    setClock(1_000);
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });

  it("A clock that steps back does not lengthen the retain time, with or without a restart.", async () => {
    const id = freshId();
    setClock(10 * DAY);
    await once(lockOf(id), () => "first", { retain: 1_000 });
    setClock(0);
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
    setClock(1_000);
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
    const other = freshId();
    setClock(10 * DAY);
    await once(lockOf(other), () => "first", { retain: 1_000 });
    setClock(0);
    await crash(other);
    expect(await askedNow(other)).toEqual({ value: "first", ran: false });
    setClock(1_000);
    expect(await askedNow(other)).toEqual({ value: RERUN, ran: true });
  });

  it("Once a caller has found that a result has expired, a clock that steps back over a restart does not bring it back.", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first", { retain: 1_000 });
    setClock(1_000);
    await outcome(once(lockOf(id), () => Promise.reject(new Error("x"))));
    await crash(id);
    setClock(0);
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });

  it("Clean-up removes an expired result while the lock is in use, and wipes the object when it is idle.", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first", { retain: 1_000 });
    await evictDurableObject(stubOf(id));
    setClock(DAY);
    const lease = await leaseOf(lockOf(id).acquire(1_000));
    await runDurableObjectAlarm(stubOf(id));
    expect(await kept(id)).toBe(undefined);
    await lockOf(id).release(lease);
    setClock(3 * DAY);
    await runDurableObjectAlarm(stubOf(id));
    expect(await stored(id)).toEqual({ tables: [], alarm: null });
  });

  it("Clean-up keeps a result until its retain time ends, then runs again and wipes the object.", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first", { retain: 7 * DAY });
    setClock(DAY + 1_000);
    await runDurableObjectAlarm(stubOf(id));
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
    expect((await stored(id)).alarm).toBe(start + 7 * DAY);
    await crash(id);
    setClock(7 * DAY);
    await runDurableObjectAlarm(stubOf(id));
    expect(await stored(id)).toEqual({ tables: [], alarm: null });
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });

  it("The first alarm removes a result that was used once.", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first", { retain: 1_000 });
    setClock(DAY);
    await runDurableObjectAlarm(stubOf(id));
    expect(await stored(id)).toEqual({ tables: [], alarm: null });
  });
});
