import { describe, expect, it } from "vitest";
import type { LatchReply } from "../../../../src/core/rendezvous/rendezvous-replies.ts";
import { type DurableRendezvous, useLatch } from "../../../../src/index.ts";
import { fakeTime, pass, silence } from "../../../support/fake-time.ts";
import { failureOf, settled, sleep } from "../../../support/outcome.ts";
import { type Answers, scriptedNamespace } from "../../../support/scripted-namespace.ts";

fakeTime();

const scripted = scriptedNamespace<DurableRendezvous>;

describe("Latch", () => {
  const left = (remaining: number): LatchReply => ({ success: true, remaining });

  function latch(answers: Answers, count = 3) {
    const { namespace, calls } = scripted(answers);
    return { latch: useLatch(namespace, "mine", { count }), calls };
  }

  it("countDown counts a latch down by one or by the given number, under the given request id.", async () => {
    const { latch: one, calls } = latch({ countDown: async () => left(2) });
    expect(one.id).toBe("mine");
    expect(await one.countDown()).toBe(2);
    expect(await one.countDown({ by: 3, requestId: "part" })).toBe(2);
    expect(calls.map(({ args }) => args)).toEqual([
      [3, 1, expect.stringMatching(/^[0-9a-f-]{36}$/)],
      [3, 3, "part"],
    ]);
    for (const [argument, options] of [
      ["by", { by: 4 }],
      ["by", { by: 0 }],
      ["requestId", { requestId: "" }],
      ["count", { count: 1 }],
    ] as const)
      expect(await failureOf(one.countDown(options as never))).toMatchObject({ argument });
    expect(calls).toHaveLength(2);
  });

  it("remaining() says how often a latch still has to be counted down, without waiting.", async () => {
    const { latch: one, calls } = latch({ awaitLatch: async () => left(1) });
    expect(await one.remaining()).toBe(1);
    expect(calls[0]?.args).toEqual([3, 0]);
  });

  it("A caller waits for a latch in long polls until the latch is open.", async () => {
    const replies = [left(2), left(1), left(0)];
    const { latch: one, calls } = latch({
      awaitLatch: async () => {
        await sleep(25_000);
        return replies.shift();
      },
    });
    const waited = one.wait({ wait: 90_000 });
    await pass(75_000);
    expect(await waited).toBeUndefined();
    expect(calls.map(({ at, args }) => [at, ...args])).toEqual([
      [0, 3, 25_000],
      [25_000, 3, 25_000],
      [50_000, 3, 25_000],
    ]);
  });

  it("A caller waits for a latch as long as it is told, and no longer.", async () => {
    const { latch: one, calls } = latch({
      awaitLatch: async (_count: never, wait: number) => {
        await sleep(wait);
        return left(1);
      },
    });
    const waited = failureOf(one.wait({ wait: 30_000 }));
    await pass(30_000);
    expect(await waited).toMatchObject({
      code: "LOCK_TIMEOUT",
      message: 'Latch "mine" did not open within 30000 ms: set a longer wait, or wait again.',
    });
    expect(calls.map(({ args }) => args[1])).toEqual([25_000, 5_000]);
  });

  it.each([0, 25_000])("A caller that waits for a latch for %d ms asks once.", async (wait) => {
    const { latch: one, calls } = latch({ awaitLatch: async () => left(1) });
    expect(await failureOf(one.wait({ wait }))).toMatchObject({ code: "LOCK_TIMEOUT" });
    expect(calls.map(({ args }) => args[1])).toEqual([wait]);
  });

  it("A caller whose long poll at a latch was late asks once more, without waiting.", async () => {
    const late = [27_000, 0];
    const { latch: one, calls } = latch({
      awaitLatch: async () => {
        await sleep(late.shift() ?? 0);
        return left(1);
      },
    });
    const waited = failureOf(one.wait({ wait: 26_000 }));
    await pass(28_000);
    expect(await waited).toMatchObject({ code: "LOCK_TIMEOUT" });
    expect(calls.map(({ args }) => args[1])).toEqual([25_000, 0]);
  });

  it("A latch that has as many waiters as it admits says so, and other refusals say what is wrong.", async () => {
    const full = latch({ awaitLatch: async () => ({ success: false, reason: "QUEUE_FULL" }) }).latch;
    expect(await failureOf(full.wait())).toMatchObject({
      code: "QUEUE_FULL",
      message: 'Latch "mine" already has the maximum number of waiters (10000).',
    });
    const other = { success: false, reason: "INVALID_ARGUMENT", argument: "count", message: "others say 4" };
    const refusing = latch({ countDown: async () => other }).latch;
    expect(await failureOf(refusing.countDown())).toMatchObject({ argument: "count", message: "others say 4" });
  });

  it("G9 A silent latch is an outage after a long poll and 5 s.", async () => {
    const never = () => silence();
    const { latch: one } = latch({ awaitLatch: never, countDown: never });
    const waited = failureOf(one.wait({ wait: 60_000 }));
    const brief = failureOf(one.wait({ wait: 1_000 }));
    const others = [failureOf(one.countDown()), failureOf(one.remaining())];
    await pass(5_000);
    for (const other of others) expect(await other).toMatchObject({ code: "UNREACHABLE" });
    await pass(1_000);
    expect(await brief).toMatchObject({ code: "UNREACHABLE" });
    await pass(23_999);
    expect(await settled(waited)).toBe("parked");
    await pass(1);
    expect(await waited).toMatchObject({ code: "UNREACHABLE" });
  });

  it("A caller no longer waits for a latch when its signal fires, and sends nothing if it has already fired.", async () => {
    const { latch: one, calls } = latch({ awaitLatch: () => silence() });
    expect(await failureOf(one.wait({ signal: AbortSignal.abort("before") }))).toBe("before");
    expect(calls).toEqual([]);
    const controller = new AbortController();
    const waited = failureOf(one.wait({ signal: controller.signal }));
    await pass(10);
    controller.abort("enough");
    expect(await waited).toBe("enough");
  });

  it("G9 A bad argument of a latch is refused before anything is sent.", () => {
    const { namespace, calls } = scripted({});
    const bad =
      (options: unknown, id = "mine") =>
      () =>
        useLatch(namespace, id, options as never);
    const noBinding = () => useLatch({} as never, "mine", { count: 2 });
    expect(noBinding).toThrow(expect.objectContaining({ argument: "namespace" }));
    expect(bad({ count: 0 })).toThrow(expect.objectContaining({ argument: "count" }));
    expect(bad({ count: 10_001 })).toThrow(expect.objectContaining({ argument: "count" }));
    expect(bad({ count: 1, parties: 1 })).toThrow(expect.objectContaining({ argument: "parties" }));
    expect(bad({ count: 1 }, "")).toThrow(expect.objectContaining({ argument: "id" }));
    expect(calls).toEqual([]);
  });
});
