import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { once } from "../../../src/index.ts";
import { type Fault, connectionLost, failing, faultyNamespace, losingReplies } from "../../support/faulty-namespace.ts";
import { crash, freshId, holders, lockOf, outcome, stubOf, untilWaiting } from "../../support/locks.ts";
import { DAY, RERUN, askedNow, codeOf, kept, mortal, openJob, rerun } from "../../support/once.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("A job whose lease was lost", () => {
  it("G7: A job that lost its lease to forceRelease stores nothing and gets LEASE_LOST; the next run's result counts.", async () => {
    const id = freshId();
    const job = openJob();
    const first = outcome(once(lockOf(id), job.fn));
    await job.started;
    await lockOf(id).forceRelease();
    const second = await once(lockOf(id), () => "second");
    job.resolve("first");
    expect((await first).error).toMatchObject({ code: "LEASE_LOST" });
    expect(second).toBe("second");
    expect(await askedNow(id)).toEqual({ value: "second", ran: false });
  });

  it("G7: A job that lost its lease to forceRelease stores nothing, even if no other caller came after it.", async () => {
    const id = freshId();
    const job = openJob();
    const first = codeOf(once(lockOf(id), job.fn));
    await job.started;
    await lockOf(id).forceRelease();
    job.resolve("first");
    expect(await first).toBe("LEASE_LOST");
    expect(await kept(id)).toBe(undefined);
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });

  it("G7: A job whose lease expired without its noticing stores nothing.", async () => {
    const id = freshId();
    const start = Date.now();
    const clock = vi.spyOn(Date, "now");
    const first = await codeOf(once(lockOf(id), () => (clock.mockReturnValue(start + DAY), "late"), { ttl: 30_000 }));
    expect(first).toBe("LEASE_LOST");
    expect(await kept(id)).toBe(undefined);
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });

  it("G7: A job that released its own lease stores nothing and gets LEASE_LOST.", async () => {
    const id = freshId();
    const first = codeOf(once(lockOf(id), async ({ release }) => (await release(), "first")));
    expect(await first).toBe("LEASE_LOST");
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });

  it("G7: A failed job that lost its lease does not record its failure.", async () => {
    const id = freshId();
    const job = openJob();
    const first = codeOf(once(lockOf(id), job.fn, { recordErrors: true }));
    await job.started;
    await lockOf(id).forceRelease();
    job.reject(new Error("mine"));
    await first;
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });
});

// Concurrent: most tests only wait for time to pass, and each has its own locks.
describe.concurrent("A caller that dies during a job", () => {
  it("If the caller dies while fn runs, one waiter runs the job after the lease expires, and all get that result.", async () => {
    const id = freshId();
    const { lock, die } = mortal();
    const job = openJob();
    void outcome(once(lock(id), job.fn, { ttl: 1_500 }));
    await job.started;
    die();
    let runs = 0;
    const work = () => `run ${++runs}`;
    const all = await Promise.all(Array.from({ length: 5 }, () => once(lockOf(id), work)));
    expect(new Set(all)).toEqual(new Set(["run 1"]));
    job.resolve("too late");
    expect(await askedNow(id)).toEqual({ value: "run 1", ran: false });
  });

  it("If the caller dies after fn and before the result is stored, the next caller runs the job.", async () => {
    const id = freshId();
    const { lock, die } = mortal();
    void outcome(once(lock(id), () => (die(), "never stored"), { ttl: 1_500 }));
    expect(await once(lockOf(id), rerun)).toBe(RERUN);
  });

  it("If the result is stored but the caller never gets the reply, the stored result counts.", async () => {
    const id = freshId();
    const { promise: isStored, resolve } = Promise.withResolvers<void>();
    const { namespace } = faultyNamespace(async (method, run) => {
      const reply = await run();
      if (method !== "release") return reply;
      resolve();
      return new Promise(() => {});
    });
    void outcome(once(lockOf(id, namespace), () => "first"));
    await isStored;
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
  });

  it("If the caller dies while the object restarts, a waiter runs the job.", async () => {
    const id = freshId();
    const { lock, die } = mortal();
    const job = openJob();
    void outcome(once(lock(id), job.fn, { ttl: 2_000 }));
    await job.started;
    const second = once(lockOf(id), rerun);
    await untilWaiting(id, 1);
    die();
    await crash(id);
    expect(await second).toBe(RERUN);
  });
});

describe.concurrent("Lost replies around a job", () => {
  it("G5: If replies to the acquire and to the release that stores the result are lost, the job runs once.", async () => {
    for (const wait of [0, 10_000]) {
      const id = freshId();
      let runs = 0;
      const { namespace } = faultyNamespace(losingReplies(["acquire", "acquireOrQueue", "renew", "release"], 2));
      expect(await once(lockOf(id, namespace), () => `run ${++runs}`, { wait })).toBe("run 1");
      expect(await askedNow(id)).toEqual({ value: "run 1", ran: false });
    }
  });

  it("G5: If the reply to an acquire that found the result is lost, the repeated acquire gets the same result.", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first");
    for (const wait of [0, 10_000]) {
      const { namespace } = faultyNamespace(losingReplies(["acquire", "acquireOrQueue"], 2));
      expect(await once(lockOf(id, namespace), rerun, { wait })).toBe("first");
    }
  });

  it("G5: If the release that stores the result never gets a reply, once fails with RELEASE_FAILED; the next call gets the result.", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(failing("release", true));
    expect(await codeOf(once(lockOf(id, namespace), () => "first"))).toBe("RELEASE_FAILED");
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
  });

  it("G5: A late release with a result stores nothing after its lease was lost.", async () => {
    const id = freshId();
    const late: (() => Promise<unknown>)[] = [];
    const delaying: Fault = async (method, run) => {
      if (method !== "release") return run();
      late.push(run);
      return new Promise(() => {});
    };
    const { namespace } = faultyNamespace(delaying);
    void outcome(once(lockOf(id, namespace), () => "late", { ttl: 1_500 }));
    await vi.waitFor(() => expect(late).toHaveLength(1), { timeout: 10_000, interval: 5 });
    expect(await once(lockOf(id), () => "second")).toBe("second");
    expect(await late[0]?.()).toMatchObject({ success: false, reason: "NO_LONGER_VALID" });
    expect(await askedNow(id)).toEqual({ value: "second", ran: false });
  });

  it("G5: A late release with a result stores nothing while the next run is in progress.", async () => {
    const id = freshId();
    const late: (() => Promise<unknown>)[] = [];
    const { namespace } = faultyNamespace(async (method, run) => {
      if (method !== "release") return run();
      late.push(run);
      return new Promise(() => {});
    });
    void outcome(once(lockOf(id, namespace), () => "late", { ttl: 1_500 }));
    await vi.waitFor(() => expect(late).toHaveLength(1), { timeout: 10_000, interval: 5 });
    const job = openJob();
    const second = once(lockOf(id), job.fn);
    await job.started;
    expect(await late[0]?.()).toMatchObject({ success: false, reason: "NO_LONGER_VALID" });
    expect(await kept(id)).toBe(undefined);
    job.resolve("second");
    expect(await second).toBe("second");
    expect(await askedNow(id)).toEqual({ value: "second", ran: false });
  });

  it("G5: A release with a result that arrives twice stores once, and the duplicate does not undo a later result.", async () => {
    const id = freshId();
    const releases: (() => Promise<unknown>)[] = [];
    const { namespace } = faultyNamespace((method, run) => {
      if (method === "release") releases.push(run);
      return run();
    });
    await once(lockOf(id, namespace), () => "first", { retain: 1 });
    await vi.waitFor(async () => expect((await askedNow(id)).ran).toBe(true), { timeout: 10_000, interval: 5 });
    await releases[0]?.();
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: false });
  });
});

describe("Restarts of the object around a job", () => {
  it("If the object restarts while the job runs, the job and its waiters go on, and all get the result.", async () => {
    const id = freshId();
    const job = openJob();
    const first = once(lockOf(id), job.fn);
    await job.started;
    const second = once(lockOf(id), rerun);
    await untilWaiting(id, 1);
    await crash(id);
    await untilWaiting(id, 1);
    job.resolve("done");
    expect(await Promise.all([first, second])).toEqual(["done", "done"]);
  });

  it("If the object restarts between storing and replying, the repeated release succeeds, and the result is stored once.", async () => {
    const id = freshId();
    let crashed = false;
    const { namespace, calls } = faultyNamespace(async (method, run) => {
      const reply = await run();
      if (method !== "release" || crashed) return reply;
      crashed = true;
      await crash(id);
      throw Object.assign(new Error("reset"), { durableObjectReset: true });
    });
    expect(await once(lockOf(id, namespace), () => "first")).toBe("first");
    const releases = calls.filter(({ method }) => method === "release");
    expect(releases).toHaveLength(2);
    expect(new Set(releases.map(({ args }) => (args[1] as { requestId: string }).requestId)).size).toBe(1);
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
  });

  it("If the release can't be written, neither the result nor the end of the lease is stored.", async () => {
    const id = freshId();
    await runInDurableObject(stubOf(id), (_lock, { storage }) => {
      const exec = storage.sql.exec.bind(storage.sql);
      vi.spyOn(storage.sql, "exec").mockImplementation(((query: string, ...values: unknown[]) => {
        if (values.includes("released")) throw new Error("SQLITE_FULL");
        return exec(query, ...values);
      }) as typeof exec);
    });
    const job = openJob();
    let broken = true;
    let afterwards: unknown;
    const { namespace } = faultyNamespace(async (method, run) => {
      if (method !== "release" || !broken) return run();
      broken = false;
      await outcome(run());
      // What the object has not stored by now is lost.
      await crash(id);
      afterwards = { kept: await kept(id), holders: await holders(id) };
      throw connectionLost();
    });
    const first = once(lockOf(id, namespace), job.fn);
    await job.started;
    job.resolve("first");
    expect(await first).toBe("first");
    expect(afterwards).toEqual({ kept: undefined, holders: 1 });
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
  });
});
