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

describe("Barrier", () => {
  const MET: ArriveReply = { success: true, generation: 4, index: 1 };
  const WAITING: ArriveReply = { success: false, reason: "WAITING" };

  /** Each arrival is answered after a long poll, or at once. */
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

  it("A party waits at a barrier in long polls under one request id, for as long as its wait.", async () => {
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

  it("A party asks a barrier again under the same request id after a fault.", async () => {
    const { barrier, arrivals, calls } = arriving({ after: 1_000, reply: connectionLost() }, { reply: MET });
    const met = barrier.arrive({ wait: 10_000 });
    await pass(1_025);
    expect(await met).toMatchObject({ index: 1 });
    expect(arrivals()[1]).toEqual({ at: 1_025, wait: 8_975, waited: 1_025 });
    expect(new Set(calls.map(({ args: [arrival] }) => (arrival as Arrival).requestId)).size).toBe(1);
  });

  it("A party that asks a barrier again after its wait has ended waits no longer.", async () => {
    const { barrier, arrivals } = arriving({ after: 3_000, reply: connectionLost() }, { reply: MET });
    const met = barrier.arrive({ wait: 2_000 });
    await pass(3_025);
    await met;
    expect(arrivals()[1]).toMatchObject({ wait: 0 });
  });

  it("A party also passes a barrier over a stub that returns an ordinary promise.", async () => {
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
  ])("A broken barrier (%s) says why it broke, and the party does not leave it again.", async (why, words) => {
    const { barrier, methods } = arriving({ reply: { success: false, reason: "BROKEN", why } as ArriveReply });
    const error = await failureOf(barrier.arrive());
    expect(error).toMatchObject({
      code: "BARRIER_BROKEN",
      message: `Barrier "mine" broke: a party that had arrived ${words}. Call arrive again.`,
    });
    expect(methods()).toEqual(["arriveAtBarrier"]);
  });

  it("A barrier that is not complete in time says so.", async () => {
    const { barrier, methods } = arriving({ reply: { success: false, reason: "TIMEOUT" } });
    expect(await failureOf(barrier.arrive({ wait: 40 }))).toMatchObject({
      code: "LOCK_TIMEOUT",
      message: 'Not all parties arrived at barrier "mine" within 40 ms: raise wait, or call arrive again.',
    });
    expect(methods()).toEqual(["arriveAtBarrier"]);
  });

  it("G9 A full barrier says how many parties it admits, and the party does not leave it.", async () => {
    const { barrier, methods } = arriving({ reply: { success: false, reason: "QUEUE_FULL" } });
    expect(await failureOf(barrier.arrive())).toMatchObject({
      code: "QUEUE_FULL",
      message: 'Barrier "mine" already has the maximum number of waiters (10000).',
    });
    expect(methods()).toEqual(["arriveAtBarrier"]);
  });

  it("A barrier that refuses an argument says which.", async () => {
    const refusal = { success: false, reason: "INVALID_ARGUMENT", argument: "parties", message: "others say 4" };
    const { barrier } = arriving({ reply: refusal as ArriveReply });
    expect(await failureOf(barrier.arrive())).toMatchObject({ argument: "parties", message: "others say 4" });
  });

  it("A party whose signal fires leaves the barrier under the request id of its arrival.", async () => {
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

  it("A party whose signal fires in the same turn as the barrier opens leaves the barrier.", async () => {
    const controller = new AbortController();
    const known = async () => (controller.abort("enough"), MET);
    const { namespace, calls } = scripted({
      arriveAtBarrier: () => ({ outcome: { reply: known }, [Symbol.dispose]: () => {} }),
    });
    const barrier = useBarrier(namespace, "mine", { parties: 3 });
    expect(await failureOf(barrier.arrive({ signal: controller.signal }))).toBe("enough");
    expect(calls.map(({ method }) => method)).toEqual(["arriveAtBarrier", "leave"]);
  });

  it("A party whose signal fires while its answer is on the way leaves the barrier, or has passed it.", async () => {
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
    // The one exception is the turn in which the answer is handed over.
    expect(heard.filter((wasHeard) => !wasHeard).length).toBeLessThanOrEqual(1);
  });

  it("A party whose signal has already fired does not arrive at the barrier.", async () => {
    const { barrier, calls } = arriving("never");
    expect(await failureOf(barrier.arrive({ signal: AbortSignal.abort("before") }))).toBe("before");
    expect(calls).toEqual([]);
  });

  it("G9 A silent barrier is an outage after a long poll and 5 s, and its party leaves it.", async () => {
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

  it("G9 A barrier that is silent in its last long poll is an outage sooner.", async () => {
    const { barrier } = arriving({ after: 25_000, reply: WAITING }, "never");
    const met = failureOf(barrier.arrive({ wait: 30_000 }));
    await pass(34_999);
    expect(await settled(met)).toBe("parked");
    await pass(1);
    expect(await met).toMatchObject({ code: "UNREACHABLE" });
  });

  it("A party passes a barrier in one round trip a long poll: the outcome is requested before the ticket arrives.", async () => {
    const pending = Object.assign(silence(), { outcome: { reply: async () => MET }, [Symbol.dispose]: () => {} });
    const { namespace } = scripted({ arriveAtBarrier: () => pending });
    expect(await useBarrier(namespace, "mine", { parties: 3 }).arrive()).toEqual({ generation: 4, index: 1 });
  });

  it("G9 A barrier that does not answer `leave` delays its party by a second at most.", async () => {
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

  it("waiting() says how many parties wait at a barrier.", async () => {
    const { barrier } = arriving();
    expect(barrier.id).toBe("mine");
    expect(await barrier.waiting()).toBe(3);
    const { namespace } = scripted({ waiting: () => silence() });
    const waiting = failureOf(useBarrier(namespace, "mine", { parties: 3 }).waiting());
    await pass(5_000);
    expect(await waiting).toMatchObject({ code: "UNREACHABLE" });
  });

  it("G9 A bad argument of a barrier is refused before anything is sent.", async () => {
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
