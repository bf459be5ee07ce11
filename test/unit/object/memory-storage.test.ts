import { describe, expect, it, vi } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { LockHost } from "../../../src/object/lock-host.ts";
import { RendezvousStorage } from "../../../src/object/storage/rendezvous-storage.ts";
import { fakeTime } from "../../support/fake-time.ts";
import { MemoryStorage } from "../../support/memory-storage.ts";

fakeTime();

const REQUEST = {
  exclusive: true,
  permits: 1,
  capacity: 1,
  ttl: 60_000,
  wait: 0,
  waited: 0,
  lockDelay: 0,
  steal: false,
  owner: "worker",
  job: undefined,
} as const;

/** A host as a start of the object makes it: it shares nothing but the storage with earlier hosts. */
async function started(storage: MemoryStorage, abort = vi.fn<(reason: string) => void>()): Promise<LockHost> {
  let start = Promise.resolve();
  const host = new LockHost(storage, { abort, blockConcurrencyWhile: (work) => (start = work()) });
  await start;
  return host;
}

async function granted(host: LockHost, requestId: string, rest: object = {}): Promise<number> {
  const reply = await host.request({ ...REQUEST, requestId, ...rest }).reply;
  if (!reply.success) expect.fail(reply.reason);
  return reply.lease;
}

describe("Lock on storage in memory", () => {
  it("A lock on storage in memory stores nothing before its first grant.", async () => {
    const storage = new MemoryStorage();
    const host = await started(storage);
    expect(host.ask((state, now) => state.isLocked(now))).toBe(false);
    expect(storage.isEmpty).toBe(true);
  });

  it("A lock on storage in memory is held, renewed and released across restarts of its host.", async () => {
    const storage = new MemoryStorage();
    const lease = await granted(await started(storage), "holder");
    const second = await started(storage);
    expect(await second.request({ ...REQUEST, requestId: "other" }).reply).toMatchObject({
      reason: "BORROWED",
      holders: [{ lease, owner: "worker" }],
    });
    expect(second.run((state, now) => state.renew(lease, 60_000, "renewal", now))).toMatchObject({ success: true });
    const third = await started(storage);
    expect(third.release(lease, "end", undefined)).toBe(true);
    expect((await started(storage)).release(lease, "another end", undefined)).toMatchObject({ ended: "released" });
    expect(await granted(await started(storage), "next")).toBeGreaterThan(lease);
  });

  it("A lock on storage in memory keeps the result of a job for a host that starts later.", async () => {
    const storage = new MemoryStorage();
    const host = await started(storage);
    const value = { at: new Date(0), parts: new Set([1]) };
    const lease = await granted(host, "job", { job: { fingerprint: undefined } });
    expect(host.release(lease, "end", { value, failed: false, retain: 10_000 })).toBe(true);
    const late = await started(storage);
    expect(await late.request({ ...REQUEST, requestId: "late", job: { fingerprint: undefined } }).reply).toMatchObject({
      reason: "RECORDED",
      result: { value, lease },
    });
  });

  it("A lock on storage in memory sets its alarm once, and is wiped by it after a day without use.", async () => {
    const storage = new MemoryStorage();
    const set = vi.spyOn(storage, "setAlarm");
    const lease = await granted(await started(storage), "holder", { ttl: 1_000 });
    const host = await started(storage);
    host.run((state, now) => state.renew(lease, 1_000, "renewal", now));
    expect(set).toHaveBeenCalledOnce();
    vi.setSystemTime(Date.now() + LIMITS.idle);
    await host.cleanUp();
    expect(storage.isEmpty).toBe(false);
    vi.setSystemTime(Date.now() + LIMITS.cleanUp);
    await host.cleanUp();
    expect(storage.isEmpty).toBe(true);
    expect(await granted(host, "next")).toBeGreaterThan(lease);
    expect(await storage.getAlarm()).toBe(Date.now() + LIMITS.cleanUp);
  });

  it("G1 A host whose grant can't be written aborts its instance and does not grant.", async () => {
    const storage = new MemoryStorage();
    const abort = vi.fn<(reason: string) => void>();
    const host = await started(storage, abort);
    vi.spyOn(storage, "setAlarm").mockImplementation(() => {
      throw new Error("storage is down");
    });
    expect(() => host.request({ ...REQUEST, requestId: "holder" })).toThrow("storage is down");
    expect(abort).toHaveBeenCalledExactlyOnceWith("The lock could not be written.");
  });
});

describe("Rendezvous on storage in memory", () => {
  it("A latch and a barrier on storage in memory remember count-downs and generations.", () => {
    const storage = new MemoryStorage();
    const before = new RendezvousStorage(storage);
    expect(before.exists).toBe(false);
    before.writeCountDown({ requestId: "a", count: 3, by: 2 }, 1);
    before.writeGeneration({ generation: 1, why: undefined, members: ["a", "b"] }, 2);
    const after = new RendezvousStorage(storage);
    expect(after.countDowns()).toEqual([{ requestId: "a", count: 3, by: 2 }]);
    expect(after.generations()).toEqual([{ generation: 1, why: undefined, members: ["a", "b"] }]);
    expect(after.lastUse()).toBe(2);
  });
});
