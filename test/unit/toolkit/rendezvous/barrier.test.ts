import { describe, expect, it, vi } from "vitest";
import type { Arrival } from "../../../../src/core/rendezvous/barrier-state.ts";
import type { ArriveReply } from "../../../../src/core/rendezvous/rendezvous-replies.ts";
import { type DurableRendezvous, useBarrier } from "../../../../src/index.ts";
import { fakeTime, pass, silence } from "../../../support/fake-time.ts";
import { connectionLost } from "../../../support/faulty-namespace.ts";
import { failureOf, settled, sleep } from "../../../support/outcome.ts";
import { scriptedNamespace } from "../../../support/scripted-namespace.ts";
import { afterTurns, isHeard, sweepTurns } from "../../../support/turns.ts";

fakeTime();

const scripted = scriptedNamespace<DurableRendezvous>;

describe("a barrier", () => {
  const MET: ArriveReply = { success: true, generation: 4, index: 1 };
  const WAITING: ArriveReply = { success: false, reason: "WAITING" };

  /** Each arrival is answered after a slice, or at once. */
  function arriving(...replies: ({ after?: number; reply: ArriveReply | Error } | "never")[]) {
    const disposed = vi.fn();
    const arrive = () => {
      const given = replies.shift() ?? "never";
      const known = async () => {
        if (given === "never") return silence();
        if (given.after) await sleep(given.after);
        if (given.reply instanceof Error) throw given.reply;
        return given.reply;
      };
      return { outcome: { reply: known }, [Symbol.dispose]: disposed };
    };
    const { namespace, calls } = scripted({
      arriveAtBarrier: arrive,
      leave: async () => undefined,
      waiting: async () => 3,
    });
    const barrier = useBarrier(namespace, "mine", { parties: 3 });
    const arrivals = () =>
      calls
        .filter(({ method }) => method === "arriveAtBarrier")
        .map(({ at, args: [arrival] }) => ({
          at,
          wait: (arrival as Arrival).wait,
          waited: (arrival as Arrival).waited,
        }));
    return { barrier, calls, arrivals, disposed, methods: () => calls.map(({ method }) => method) };
  }

  it("is met slice by slice by one name, for as long as it is waited for", async () => {
    const { barrier, arrivals, calls, disposed } = arriving(
      { after: 25_000, reply: WAITING },
      { after: 25_000, reply: WAITING },
      { after: 5_000, reply: MET },
    );
    const met = barrier.arrive({ wait: 60_000 });
    await pass(55_000);
    expect(await met).toEqual({ generation: 4, index: 1 });
    expect(arrivals()).toEqual([
      { at: 0, wait: 60_000, waited: 0 },
      { at: 25_000, wait: 35_000, waited: 25_000 },
      { at: 50_000, wait: 10_000, waited: 50_000 },
    ]);
    expect(new Set(calls.map(({ args: [arrival] }) => (arrival as Arrival).requestId)).size).toBe(1);
    expect(calls[0]?.args[0]).toMatchObject({ parties: 3 });
    expect(disposed).toHaveBeenCalledTimes(3);
  });

  it("is asked again after a fault, by the same name", async () => {
    const { barrier, arrivals, calls } = arriving({ after: 1_000, reply: connectionLost() }, { reply: MET });
    const met = barrier.arrive({ wait: 10_000 });
    await pass(1_025);
    expect(await met).toMatchObject({ index: 1 });
    expect(arrivals()[1]).toEqual({ at: 1_025, wait: 8_975, waited: 1_025 });
    expect(new Set(calls.map(({ args: [arrival] }) => (arrival as Arrival).requestId)).size).toBe(1);
  });

  it("asked again when its time is over waits no longer", async () => {
    const { barrier, arrivals } = arriving({ after: 3_000, reply: connectionLost() }, { reply: MET });
    const met = barrier.arrive({ wait: 2_000 });
    await pass(3_025);
    await met;
    expect(arrivals()[1]).toMatchObject({ wait: 0 });
  });

  it("is met over a stub that hands out an ordinary promise too", async () => {
    const disposed = vi.fn();
    const arrive = async () => ({ outcome: { reply: async () => MET }, [Symbol.dispose]: disposed });
    const { namespace } = scripted({ arriveAtBarrier: arrive });
    expect(await useBarrier(namespace, "mine", { parties: 3 }).arrive()).toEqual({ generation: 4, index: 1 });
    expect(disposed).toHaveBeenCalledOnce();
  });

  it.each([
    ["died", "died"],
    ["timeout", "ran out of time"],
    ["aborted", "gave up"],
    [undefined, "died"],
    ["bored", "left"],
  ])("that broke (%s) says who broke it, and is not left again", async (why, words) => {
    const { barrier, methods } = arriving({ reply: { success: false, reason: "BROKEN", why } as ArriveReply });
    const error = await failureOf(barrier.arrive());
    expect(error).toMatchObject({
      code: "BARRIER_BROKEN",
      message: `Barrier "mine" broke: one of those who had come ${words}. Come again.`,
    });
    expect(methods()).toEqual(["arriveAtBarrier"]);
  });

  it("that was not met in time says so", async () => {
    const { barrier, methods } = arriving({ reply: { success: false, reason: "TIMEOUT" } });
    expect(await failureOf(barrier.arrive({ wait: 40 }))).toMatchObject({
      code: "LOCK_TIMEOUT",
      message: 'Not all came to barrier "mine" within 40 ms: raise wait, or come again.',
    });
    expect(methods()).toEqual(["arriveAtBarrier"]);
  });

  it("G9 that admits no more says how many it admits, and is not left", async () => {
    const { barrier, methods } = arriving({ reply: { success: false, reason: "QUEUE_FULL" } });
    expect(await failureOf(barrier.arrive())).toMatchObject({
      code: "QUEUE_FULL",
      message: 'Barrier "mine" has as many waiters as it admits (10000).',
    });
    expect(methods()).toEqual(["arriveAtBarrier"]);
  });

  it("that refuses says what", async () => {
    const refusal = { success: false, reason: "INVALID_ARGUMENT", argument: "parties", message: "others say 4" };
    const { barrier } = arriving({ reply: refusal as ArriveReply });
    expect(await failureOf(barrier.arrive())).toMatchObject({ argument: "parties", message: "others say 4" });
  });

  it("is left by one whose signal fires, by the name under which it came", async () => {
    const { barrier, calls, methods } = arriving("never");
    const controller = new AbortController();
    const met = failureOf(barrier.arrive({ signal: controller.signal }));
    await pass(10);
    controller.abort("enough");
    expect(await met).toBe("enough");
    expect(methods()).toEqual(["arriveAtBarrier", "leave"]);
    const [came, left] = calls.map(({ args }) => args);
    expect(left).toEqual([(came as [Arrival])[0].requestId]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is left by one whose signal fires in the same turn as all have met", async () => {
    const controller = new AbortController();
    const known = async () => (controller.abort("enough"), MET);
    const { namespace, calls } = scripted({
      arriveAtBarrier: () => ({ outcome: { reply: known }, [Symbol.dispose]: () => {} }),
    });
    const barrier = useBarrier(namespace, "mine", { parties: 3 });
    expect(await failureOf(barrier.arrive({ signal: controller.signal }))).toBe("enough");
    expect(calls.map(({ method }) => method)).toEqual(["arriveAtBarrier", "leave"]);
  });

  it("is left by one whose signal fires whenever its answer is on the way, or has met", async () => {
    const heard = await sweepTurns(async (turns) => {
      const controller = new AbortController();
      const known = async () => {
        afterTurns(turns, () => controller.abort("enough"));
        return MET;
      };
      const { namespace, calls } = scripted({
        arriveAtBarrier: () => ({ outcome: { reply: known }, [Symbol.dispose]: () => {} }),
      });
      const met = useBarrier(namespace, "mine", { parties: 3 }).arrive({ signal: controller.signal });
      const isOver = isHeard(met, controller.signal, "enough");
      const hasLeft = (await failureOf(met)) === "enough";
      expect(calls).toHaveLength(hasLeft ? 2 : 1);
      return isOver;
    });
    // But for the one turn in which the answer is handed over.
    expect(heard.filter((wasHeard) => !wasHeard).length).toBeLessThanOrEqual(1);
  });

  it("is not come to by one whose signal has fired before", async () => {
    const { barrier, calls } = arriving("never");
    expect(await failureOf(barrier.arrive({ signal: AbortSignal.abort("before") }))).toBe("before");
    expect(calls).toEqual([]);
  });

  it("G9 that is silent is an outage when a slice and five seconds are over, and is told that its party left", async () => {
    for (const [wait, within] of [
      [60_000, 30_000],
      [1_000, 6_000],
    ] as const) {
      const { barrier, methods } = arriving("never");
      const met = failureOf(barrier.arrive({ wait }));
      await pass(within - 1);
      expect(await settled(met)).toBe("parked");
      await pass(1);
      expect(await met).toMatchObject({ code: "UNREACHABLE" });
      expect(methods()).toEqual(["arriveAtBarrier", "leave"]);
    }
  });

  it("G9 that is silent in its last slice is an outage sooner", async () => {
    const { barrier } = arriving({ after: 25_000, reply: WAITING }, "never");
    const met = failureOf(barrier.arrive({ wait: 30_000 }));
    await pass(34_999);
    expect(await settled(met)).toBe("parked");
    await pass(1);
    expect(await met).toMatchObject({ code: "UNREACHABLE" });
  });

  it("is met in one round trip a slice: the outcome is asked for before the place is here", async () => {
    const pending = Object.assign(silence(), { outcome: { reply: async () => MET }, [Symbol.dispose]: () => {} });
    const { namespace } = scripted({ arriveAtBarrier: () => pending });
    expect(await useBarrier(namespace, "mine", { parties: 3 }).arrive()).toEqual({ generation: 4, index: 1 });
  });

  it("G9 that can't be left either delays its party by a second at most", async () => {
    const { namespace } = scripted({
      arriveAtBarrier: () => ({ outcome: { reply: () => silence() }, [Symbol.dispose]: () => {} }),
      leave: () => silence(),
    });
    const controller = new AbortController();
    const met = failureOf(useBarrier(namespace, "mine", { parties: 3 }).arrive({ signal: controller.signal }));
    await pass(10);
    controller.abort("enough");
    await pass(999);
    expect(await settled(met)).toBe("parked");
    await pass(1);
    expect(await met).toBe("enough");
  });

  it("tells how many wait", async () => {
    const { barrier } = arriving();
    expect(barrier.id).toBe("mine");
    expect(await barrier.waiting()).toBe(3);
    const { namespace } = scripted({ waiting: () => silence() });
    const waiting = failureOf(useBarrier(namespace, "mine", { parties: 3 }).waiting());
    await pass(5_000);
    expect(await waiting).toMatchObject({ code: "UNREACHABLE" });
  });

  it("G9 refuses what is wrong before anybody is asked", async () => {
    const { namespace, calls } = scripted({});
    const bad =
      (options: unknown, id = "mine") =>
      () =>
        useBarrier(namespace, id, options as never);
    const noBinding = () => useBarrier({} as never, "mine", { parties: 2 });
    expect(noBinding).toThrow(expect.objectContaining({ argument: "namespace" }));
    expect(bad({ parties: 0 })).toThrow(expect.objectContaining({ argument: "parties" }));
    expect(bad({ parties: 1_001 })).toThrow(expect.objectContaining({ argument: "parties" }));
    expect(bad({ parties: 2, count: 1 })).toThrow(expect.objectContaining({ argument: "count" }));
    expect(bad({ parties: 2 }, "")).toThrow(expect.objectContaining({ argument: "id" }));
    expect(await failureOf(useBarrier(namespace, "mine", { parties: 2 }).arrive({ wait: -1 }))).toMatchObject({
      argument: "wait",
    });
    expect(calls).toEqual([]);
  });
});
