import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { once } from "../../../src/index.ts";
import { type Fault, connectionLost, failing, faultyNamespace, losingReplies } from "../../support/faulty-namespace.ts";
import { crash, freshId, holders, lockOf, outcome, stubOf, untilWaiting } from "../../support/locks.ts";
import { DAY, RERUN, askedNow, codeOf, kept, mortal, openJob, rerun } from "../../support/once.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("G7 a runner that lost its lease", () => {
  it("to forceRelease stores nothing and is told; the next run is the one that counts", async () => {
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

  it("to forceRelease while nobody came after it stores nothing either", async () => {
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

  it("to time, unnoticed by itself, stores nothing", async () => {
    const id = freshId();
    const start = Date.now();
    const clock = vi.spyOn(Date, "now");
    const first = await codeOf(once(lockOf(id), () => (clock.mockReturnValue(start + DAY), "late"), { ttl: 30_000 }));
    expect(first).toBe("LEASE_LOST");
    expect(await kept(id)).toBe(undefined);
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });

  it("by its own hand stores nothing and is told", async () => {
    const id = freshId();
    const first = codeOf(once(lockOf(id), async ({ release }) => (await release(), "first")));
    expect(await first).toBe("LEASE_LOST");
    expect(await askedNow(id)).toEqual({ value: RERUN, ran: true });
  });

  it("and had its failure to record records nothing", async () => {
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

// At once: most of a test is waiting for time to pass, and each has locks of its own.
describe.concurrent("a runner that dies", () => {
  it("while fn runs: who waits runs the job when its lease is over, one of them, and all get that result", async () => {
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

  it("after fn, before it stored: the next runs", async () => {
    const id = freshId();
    const { lock, die } = mortal();
    void outcome(once(lock(id), () => (die(), "never stored"), { ttl: 1_500 }));
    expect(await once(lockOf(id), rerun)).toBe(RERUN);
  });

  it("after it stored, before it was told: its result counts", async () => {
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

  it("while the object restarts: who waits runs the job", async () => {
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

describe.concurrent("G5 a lost reply", () => {
  it("to the acquire, in the queue or not, and to the storing release: one run, one result", async () => {
    for (const wait of [0, 10_000]) {
      const id = freshId();
      let runs = 0;
      const { namespace } = faultyNamespace(losingReplies(["acquire", "acquireInQueue", "renew", "release"], 2));
      expect(await once(lockOf(id, namespace), () => `run ${++runs}`, { wait })).toBe("run 1");
      expect(await askedNow(id)).toEqual({ value: "run 1", ran: false });
    }
  });

  it("to an acquire that was answered with the result: the same again", async () => {
    const id = freshId();
    await once(lockOf(id), () => "first");
    for (const wait of [0, 10_000]) {
      const { namespace } = faultyNamespace(losingReplies(["acquire", "acquireInQueue"], 2));
      expect(await once(lockOf(id, namespace), rerun, { wait })).toBe("first");
    }
  });

  it("to the storing release for good: RELEASE_FAILED, and asking again gets the result", async () => {
    const id = freshId();
    const { namespace } = faultyNamespace(failing("release", true));
    expect(await codeOf(once(lockOf(id, namespace), () => "first"))).toBe("RELEASE_FAILED");
    expect(await askedNow(id)).toEqual({ value: "first", ran: false });
  });

  it("a storing release that arrives after the lease was lost stores nothing", async () => {
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

  it("a storing release that arrives while the next run is under way stores nothing", async () => {
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

  it("a storing release that arrives twice stores once, and its copy does not undo what came after", async () => {
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

describe("an object that restarts", () => {
  it("while the job runs: it runs on, who waits waits on, and all get its result", async () => {
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

  it("between store and reply: the same release again is told that it is done, and the result is kept once", async () => {
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

  it("because the release could not be written keeps the result and ends the lease, or neither", async () => {
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
      // Whatever it has not stored by now is lost.
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
