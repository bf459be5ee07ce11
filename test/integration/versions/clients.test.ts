import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import {
  type DurableRendezvous,
  type Lock,
  lead,
  observe,
  once,
  useBarrier,
  useLatch,
  useReadWriteLock,
  webLocks,
} from "../../../src/index.ts";
import { type Fault, connectionLost, faultyNamespace } from "../../support/faulty-namespace.ts";
import { freshId, leaseOf, lockOf, outcome, stubOf } from "../../support/locks.ts";

const unchecked = <T>(value: unknown) => value as T;

/** This client at an object that behaves as another version might. */
function lockAt(fault: Fault): { lock: Lock; id: string; namespace: typeof env.DURABLE_LOCK } {
  const id = freshId();
  const { namespace } = faultyNamespace(fault);
  return { lock: lockOf(id, namespace), id, namespace };
}

const isTicket = (reply: unknown): reply is { pendingGrant: { reply(): Promise<object> } } =>
  typeof reply === "object" && reply !== null && "pendingGrant" in reply;

/** An object whose every reply says more than this client knows. */
const sayingMore: Fault = async (_method, run) => {
  const reply = await run();
  if (isTicket(reply)) {
    const granted = async () => ({ ...(await reply.pendingGrant.reply()), priority: 7, region: { near: true } });
    return { pendingGrant: { reply: granted }, [Symbol.dispose]: () => {} };
  }
  return typeof reply === "object" && reply !== null ? { ...reply, priority: 7, region: { near: true } } : reply;
};

/** An object that refuses everything for a reason that this client doesn't know. */
const refusing: Fault = async (method) => {
  const refusal = { success: false, reason: "PAUSED", until: 7 };
  const answer = async () => refusal;
  return method === "arriveAtBarrier" ? { outcome: { reply: answer }, [Symbol.dispose]: () => {} } : refusal;
};

/** An object that lacks a method, which the runtime reports in its own words. */
function lacking(...methods: string[]): Fault {
  return (method, run) => (methods.includes(method) ? callMissing() : run());
}

async function callMissing(): Promise<unknown> {
  return await unchecked<{ notYetInvented(): Promise<unknown> }>(stubOf(freshId())).notYetInvented();
}

const codeOf = async (promise: Promise<unknown>) => ((await outcome(promise)).error as { code?: string })?.code;
const MISMATCH = "VERSION_MISMATCH";

describe("This client at an object of the next version", () => {
  it("The client tolerates replies with unknown fields.", async () => {
    const { lock, namespace } = lockAt(sayingMore);
    const lease = await leaseOf(lock.acquire(10_000));
    expect(await lock.renew(lease, 10_000)).toEqual({ success: true, lease, deadline: expect.any(Number) });
    expect(await lock.acquire(10)).toEqual({ success: false, reason: "BORROWED", retryAfter: expect.any(Number) });
    expect(await lock.release(lease)).toBe(true);
    expect(await lock.withLock((held) => held.lease)).toBeGreaterThan(lease);
    expect(await once(lock, () => "ran")).toBe("ran");
    expect(await once(lock, () => "again")).toBe("ran");
    expect((await lock.status()).locked).toBe(false);
    const { read } = useReadWriteLock(namespace, freshId());
    expect(await read.tryWithLock(() => "read")).toEqual({ acquired: true, value: "read" });
  });

  it("The client takes an unknown refusal neither for a success, nor for contention, nor for a loss.", async () => {
    const { lock, namespace } = lockAt(refusing);
    expect(await codeOf(lock.acquire(1_000))).toBe(MISMATCH);
    expect(await codeOf(lock.acquire(1_000, { wait: 10 }))).toBe(MISMATCH);
    expect(await codeOf(lock.renew(1, 1_000))).toBe(MISMATCH);
    expect(await codeOf(lock.release(1))).toBe(MISMATCH);
    expect(await codeOf(lock.resume(1))).toBe(MISMATCH);
    expect(await codeOf(lock.hold())).toBe(MISMATCH);
    expect(await codeOf(lock.withLock(() => {}))).toBe(MISMATCH);
    expect(await codeOf(lock.tryWithLock(() => {}))).toBe(MISMATCH);
    expect(await codeOf(lock.forceRelease())).toBe(MISMATCH);
    expect(await codeOf(lock.requestRelease())).toBe(MISMATCH);
    expect(await codeOf(once(lock, () => {}))).toBe(MISMATCH);
    expect(await codeOf(lead(lock, () => {}))).toBe(MISMATCH);
    expect(await codeOf(webLocks(namespace).request("name", () => {}))).toBe(MISMATCH);
    expect(await codeOf(webLocks(namespace).request("name", { ifAvailable: true }, () => {}))).toBe(MISMATCH);
  });

  it("The client takes an unknown refusal of a latch or barrier for a VERSION_MISMATCH.", async () => {
    const { namespace } = faultyNamespace<DurableRendezvous>(refusing, env.DURABLE_RENDEZVOUS);
    const latch = useLatch(namespace, freshId(), { count: 2 });
    expect(await codeOf(latch.countDown())).toBe(MISMATCH);
    expect(await codeOf(latch.wait())).toBe(MISMATCH);
    expect(await codeOf(useBarrier(namespace, freshId(), { parties: 2 }).arrive())).toBe(MISMATCH);
  });

  it("A renewal that is refused for an unknown reason is not a loss, because the lease may be live.", async () => {
    let isPaused = true;
    const { lock } = lockAt((method, run, args) =>
      method === "renew" && isPaused ? refusing(method, run, args) : run(),
    );
    const held = await lock.hold({ ttl: 60_000 });
    expect(await codeOf(held.renew())).toBe(MISMATCH);
    expect(held.isLost()).toBe(false);
    isPaused = false;
    await held.renew();
    expect(await held.release()).toBe(true);
  });

  it("A lease event of an unknown kind does not ask the holder to release.", async () => {
    let asked = 0;
    const { lock } = lockAt(async (method, run) => {
      const reply = await run();
      if (method !== "watchExit") return reply;
      const tell = [{ weather: "fine" }];
      const events = { next: async () => tell.pop() ?? new Promise(() => {}) };
      return { ...(reply as object), events, [Symbol.dispose]: () => {} };
    });
    const held = await lock.hold({ ttl: 60_000, releaseOnExit: true, onReleaseRequested: () => void (asked += 1) });
    await held.renew();
    await held.release();
    expect(asked).toBe(0);
  });

  it("A recorded failure in an unknown form is thrown unchanged.", async () => {
    const recorded = { success: false, reason: "RECORDED", result: { value: "broke", failed: true, lease: 1 } };
    const { lock } = lockAt(async (method, run) => (method === "acquireOrQueue" ? recorded : run()));
    expect((await outcome(once(lock, () => {}))).error).toBe("broke");
  });
});

describe("This client at an older object", () => {
  it("The client reports what an older object lacks.", async () => {
    const { lock, id, namespace } = lockAt(
      lacking("convert", "watch", "forceRelease", "requestRelease", "watchExit", "acquireOrQueue"),
    );
    for (const call of [
      () => lock.forceRelease(),
      () => lock.requestRelease(),
      () => lock.hold(),
      () => lock.tryWithLock(() => {}, { releaseOnExit: true }),
    ]) {
      const { error } = await outcome<unknown>(call());
      expect(error).toMatchObject({ code: MISMATCH, message: expect.stringContaining("does not implement") });
      expect((error as Error).message).toContain("deploy");
    }
    expect(await lock.isLocked()).toBe(false);
    const { read, upgrade } = useReadWriteLock(namespace, id);
    const upgraded = await outcome(read.tryWithLock((held) => upgrade(held)));
    expect(upgraded.error).toMatchObject({ code: MISMATCH });
    const seen = observe(lock);
    await seen.next();
    expect((await outcome(seen.next())).error).toMatchObject({ code: MISMATCH });
  });

  it("The client does not repeat a call to a missing method, but repeats calls after other faults.", async () => {
    let calls = 0;
    const { lock } = lockAt(() => ((calls += 1), callMissing()));
    expect(await codeOf(lock.isLocked())).toBe(MISMATCH);
    expect(calls).toBe(1);
    const lossy = lockAt(async (_method, run) => {
      if (++calls < 4) throw connectionLost();
      return await run();
    });
    expect(await lossy.lock.isLocked()).toBe(false);
  });

  it("An option that the object does not know is refused by name.", async () => {
    const { lock } = lockAt(async (method, _run, args) => {
      const [ttl, options] = args as [number, object];
      // This is what the next version of the client will send.
      if (method === "acquire") return stubOf(freshId()).acquire(ttl, unchecked({ ...options, priority: 3 }));
      return undefined;
    });
    const { error } = await outcome(lock.acquire(1_000));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "priority" });
    expect((error as Error).message).toContain("priority");
  });
});
