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

/** Who is seen to lead, if the object answers so, one after the other. */
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

describe("who leads", () => {
  it("is told at once, and when it changes: asked for by what is known", async () => {
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

  it("is the newest of several, wherever it stands", async () => {
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

  it("is told with its label", async () => {
    const { primitives } = scriptedPrimitives({ status: async () => status(holder(2, "me")) });
    expect((await observe(createLock(primitives)).next()).value).toEqual({ term: 2, owner: "me", since: 20 });
  });

  it("is nobody's loss: nobody is told at once too", async () => {
    const { terms } = seen(status());
    await pass(0);
    expect(terms).toEqual([undefined]);
  });
});

describe("G9 what stands in the way of an observer", () => {
  it("an outage is waited out at growing distances, which begin again once it has ended", async () => {
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

  it("so is an object that does not answer within a slice and five seconds", async () => {
    const { calls } = seen(status(holder(1)));
    await pass(30_024);
    expect(calls).toHaveLength(2);
    await pass(1);
    expect(calls).toHaveLength(3);
  });

  it.each([
    ["a refusal that is unknown here", { success: false, reason: "TOO_MANY_LEASES" } as const],
    ["an error of another sort", new LockError("VERSION_MISMATCH", "another version")],
  ])("%s ends it", async (_what, answer) => {
    const { over } = seen(answer);
    await pass(0);
    expect((await over).error).toMatchObject({ code: "VERSION_MISMATCH" });
  });
});

describe("the end of an observation", () => {
  it("by its signal is no error, whether it waits for news", async () => {
    const { over, controller } = seen(status(holder(1)));
    await pass(10);
    controller.abort(new Error("enough"));
    expect(await over).toEqual({ value: undefined });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("or for an outage to be over", async () => {
    const { over, controller, calls } = seen(overloaded(), overloaded());
    await pass(10);
    controller.abort(new Error("enough"));
    expect(await over).toEqual({ value: undefined });
    await pass(1_000);
    expect(calls).toHaveLength(1);
  });

  it("or was over before it began", async () => {
    const { primitives, calls } = scriptedPrimitives({ status: async () => status() });
    const { done } = await observe(createLock(primitives), { signal: AbortSignal.abort() }).next();
    expect(done).toBe(true);
    expect(calls).toEqual([]);
  });

  it("can't be by what is no signal", () => {
    const lock = createLock(scriptedPrimitives({}).primitives);
    for (const signal of [{}, null])
      expect(() => observe(lock, { signal } as never)).toThrow(expect.objectContaining({ argument: "signal" }));
    expect(() => observe(lock)).not.toThrow();
    expect(() => observe(lock, {})).not.toThrow();
    expect(() => observe({} as never)).toThrow(expect.objectContaining({ argument: "lock" }));
  });

  it("by the object's refusal of what it is given tells that", async () => {
    const refusal: RefusalReply = { success: false, reason: "INVALID_ARGUMENT", argument: "known", message: "wrong" };
    const { primitives } = scriptedPrimitives({ status: async () => refusal as never });
    expect(await failureOf(observe(createLock(primitives)).next())).toMatchObject({ argument: "known" });
  });
});
