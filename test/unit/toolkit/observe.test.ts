import { describe, expect, it, vi } from "vitest";
import type { LockHolder, LockStatus, RefusalReply } from "../../../src/core/replies.ts";
import { createLock, LockError, observe } from "../../../src/index.ts";
import type { LockPrimitives } from "../../../src/transport/primitives.ts";
import { fakeTime, pass, silence } from "../../support/fake-time.ts";
import { overloaded } from "../../support/faulty-namespace.ts";
import { failureOf, outcome } from "../../support/outcome.ts";
import { scriptedPrimitives } from "../../support/scripted-primitives.ts";

fakeTime();

const holder = (lease: number, owner?: string): LockHolder => ({
  lease,
  exclusive: true,
  permits: 1,
  capacity: 1,
  since: 10 * lease,
  deadline: 0,
  ...(owner && { owner }),
});
const status = (...holders: LockHolder[]): LockStatus => ({ locked: holders.length > 0, holders, waiters: [] });
const FULL: RefusalReply = { success: false, reason: "QUEUE_FULL" };

type Answer = LockStatus | RefusalReply | Error;

/** Which leaders `observe` reports if the object gives these answers one after the other. */
function seen(first: Answer, ...then: Answer[]) {
  const give = async <T>(answer: Answer | undefined): Promise<T> => {
    if (answer instanceof Error) throw answer;
    return (answer ?? silence()) as T;
  };
  const answers = [first];
  const answering: Partial<LockPrimitives> = {
    status: () => {
      const answer = answers.shift() ?? then.shift();
      return give(answer);
    },
    watch: () => give(then.shift()),
  };
  const { primitives, calls } = scriptedPrimitives(answering);
  const controller = new AbortController();
  const terms: (number | undefined)[] = [];
  const over = outcome(
    (async () => {
      for await (const leader of observe(createLock(primitives), { signal: controller.signal }))
        terms.push(leader?.term);
    })(),
  );
  return { terms, over, controller, calls };
}

describe("Observing the leader", () => {
  it("observe reports the leader at once and after each change, and asks by the term that it knows.", async () => {
    const { terms, calls } = seen(status(holder(3)), status(holder(3)), status(), status(), status(holder(5)));
    await pass(0);
    expect(terms).toEqual([3, undefined, 5]);
    expect(calls.map(({ method, args }) => [method, ...args])).toEqual([
      ["status"],
      ["watch", 3, 25_000],
      ["watch", 3, 25_000],
      ["watch", 0, 25_000],
      ["watch", 0, 25_000],
      ["watch", 5, 25_000],
    ]);
  });

  it("observe reports the newest of several holders, wherever it stands in the list.", async () => {
    for (const holders of [
      [holder(2), holder(9), holder(4)],
      [holder(9), holder(2)],
      [holder(2), holder(9)],
    ]) {
      const { primitives } = scriptedPrimitives({ status: async () => status(...holders) });
      const { value } = await observe(createLock(primitives)).next();
      expect(value).toEqual({ term: 9, owner: undefined, since: 90 });
    }
  });

  it("observe reports the leader's owner label.", async () => {
    const { primitives } = scriptedPrimitives({ status: async () => status(holder(2, "me")) });
    expect((await observe(createLock(primitives)).next()).value).toEqual({ term: 2, owner: "me", since: 20 });
  });

  it("observe reports at once if there is no leader.", async () => {
    const { terms } = seen(status());
    await pass(0);
    expect(terms).toEqual([undefined]);
  });
});

describe("Faults during an observation", () => {
  it("G9 observe waits out an outage with growing pauses, which start over once it has ended.", async () => {
    const { terms, calls } = seen(
      overloaded(),
      overloaded(),
      FULL,
      status(holder(1)),
      overloaded(),
      overloaded(),
      status(holder(2)),
    );
    await pass(1_000);
    expect(terms).toEqual([1, 2]);
    expect(calls.map(({ at }) => at)).toEqual([0, 25, 75, 175, 175, 200, 250, 250]);
    expect(calls.map(({ method }) => method).slice(0, 5)).toEqual(["status", "status", "status", "status", "watch"]);
  });

  it("G9 observe asks again if an object does not answer within a long poll and 5 s.", async () => {
    const { calls } = seen(status(holder(1)));
    await pass(30_024);
    expect(calls).toHaveLength(2);
    await pass(1);
    expect(calls).toHaveLength(3);
  });

  it.each([
    ["a refusal that is unknown here", { success: false, reason: "TOO_MANY_LEASES" } as const],
    ["an error of another sort", new LockError("VERSION_MISMATCH", "another version")],
  ])("G9 observe ends after %s.", async (_what, answer) => {
    const { over } = seen(answer);
    await pass(0);
    expect((await over).error).toMatchObject({ code: "VERSION_MISMATCH" });
  });
});

describe("End of an observation", () => {
  it("A signal that fires while observe waits for a change ends it without an error.", async () => {
    const { over, controller } = seen(status(holder(1)));
    await pass(10);
    controller.abort(new Error("enough"));
    expect(await over).toEqual({ value: undefined });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("A signal that fires while observe waits out an outage ends it without an error.", async () => {
    const { over, controller, calls } = seen(overloaded(), overloaded());
    await pass(10);
    controller.abort(new Error("enough"));
    expect(await over).toEqual({ value: undefined });
    await pass(1_000);
    expect(calls).toHaveLength(1);
  });

  it("observe with a signal that has already fired ends without an error and sends nothing.", async () => {
    const { primitives, calls } = scriptedPrimitives({ status: async () => status() });
    const { done } = await observe(createLock(primitives), { signal: AbortSignal.abort() }).next();
    expect(done).toBe(true);
    expect(calls).toEqual([]);
  });

  it("observe refuses a signal that is none.", () => {
    const lock = createLock(scriptedPrimitives({}).primitives);
    for (const signal of [{}, null])
      expect(() => observe(lock, { signal } as never)).toThrow(expect.objectContaining({ argument: "signal" }));
    expect(() => observe(lock)).not.toThrow();
    expect(() => observe(lock, {})).not.toThrow();
    expect(() => observe({} as never)).toThrow(expect.objectContaining({ argument: "lock" }));
  });

  it("observe throws the object's refusal of an argument.", async () => {
    const refusal: RefusalReply = { success: false, reason: "INVALID_ARGUMENT", argument: "known", message: "wrong" };
    const { primitives } = scriptedPrimitives({ status: async () => refusal as never });
    expect(await failureOf(observe(createLock(primitives)).next())).toMatchObject({ argument: "known" });
  });
});
