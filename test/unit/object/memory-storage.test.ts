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

/** A host as a start of the object makes it: it has nothing but the storage in common with those before. */
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

describe("a lock on storage in memory", () => {
  it("stores nothing before its first grant", async () => {
    const storage = new MemoryStorage();
    const host = await started(storage);
    expect(host.ask((state, now) => state.isLocked(now))).toBe(false);
    expect(storage.isEmpty).toBe(true);
  });

  it("is held, renewed and released as on any other, each by the host that runs then", async () => {
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

  it("keeps the result of a job for a host that starts later", async () => {
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

  it("sets the alarm once, also across restarts, and is wiped by it when it was not used for a day", async () => {
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

  it("G1 ends its instance if a grant can't be written, and does not grant", async () => {
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

describe("a latch and a barrier on storage in memory", () => {
  it("remember what was counted down, and who met", () => {
    const storage = new MemoryStorage();
    const before = new RendezvousStorage(storage);
    expect(before.exists).toBe(false);
    before.writeCountDown({ requestId: "a", count: 3, by: 2 }, 1);
    before.writeMeeting({ generation: 1, why: undefined, members: ["a", "b"] }, 2);
    const after = new RendezvousStorage(storage);
    expect(after.countDowns()).toEqual([{ requestId: "a", count: 3, by: 2 }]);
    expect(after.meetings()).toEqual([{ generation: 1, why: undefined, members: ["a", "b"] }]);
    expect(after.lastUse()).toBe(2);
  });
});
