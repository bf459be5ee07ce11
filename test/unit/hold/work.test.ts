import { describe, expect, it, vi } from "vitest";
import type { JobResult } from "../../../src/core/replies.ts";
import { runUnder } from "../../../src/hold/work.ts";
import { LeaseLostError } from "../../../src/index.ts";
import { failureOf, sleep } from "../../support/outcome.ts";

const LOSS = new LeaseLostError("expired", 7, "lost");

/** A hold that is lost when `lose` is called, and by the clock once `isOver` is set. */
function holding(release: () => Promise<boolean> = async () => true) {
  const controller = new AbortController();
  const clock = { isOver: false };
  const lose = () => controller.abort(LOSS);
  const released = vi.fn((_result?: JobResult) => release());
  const isLost = () => {
    if (clock.isOver) lose();
    return controller.signal.aborted;
  };
  return { hold: { held: { signal: controller.signal, isLost }, release: released }, lose, clock, released };
}

const resultOf = () => ({ value: "kept", failed: false, retain: 1 });

describe("Work under a lock", () => {
  it("G7 Work returns its value if the lease was live throughout, and its result is stored.", async () => {
    const { hold, released } = holding();
    expect(await runUnder(hold, () => "done", resultOf)).toBe("done");
    expect(released).toHaveBeenCalledExactlyOnceWith(resultOf());
  });

  it("G7 Work stores no result unless it is told to.", async () => {
    const { hold, released } = holding();
    await runUnder(hold, async () => "done");
    expect(released).toHaveBeenCalledExactlyOnceWith(undefined);
  });

  it("G7 Work that throws rejects with its error, whether it throws at once or later, and the lock is released.", async () => {
    for (const work of [
      () => {
        throw new Error("mine");
      },
      () => Promise.reject(new Error("mine")),
    ]) {
      const { hold, released } = holding();
      expect(await failureOf(runUnder(hold, work))).toMatchObject({ message: "mine" });
      expect(released).toHaveBeenCalledOnce();
    }
  });

  it("G7 The error of the work takes precedence over the release, and is thrown only after the release has settled.", async () => {
    const order: string[] = [];
    const { hold } = holding(async () => {
      await sleep(1);
      order.push("released");
      throw new Error("of no interest");
    });
    const error = await failureOf(runUnder(hold, () => Promise.reject(new Error("mine"))));
    order.push("told");
    expect(error).toMatchObject({ message: "mine" });
    expect(order).toEqual(["released", "told"]);
  });

  it("G7 Work whose release fails rejects with that failure.", async () => {
    const { hold } = holding(() => Promise.reject(new Error("no idea")));
    expect(await failureOf(runUnder(hold, () => "done"))).toMatchObject({ message: "no idea" });
  });
});

describe("Work that outlives its lease", () => {
  it("G7 Work whose signal has fired is not reported as done.", async () => {
    const { hold, lose, released } = holding();
    expect(await failureOf(runUnder(hold, lose, resultOf))).toBe(LOSS);
    expect(released).toHaveBeenCalledExactlyOnceWith(undefined);
  });

  it("G7 Work whose lease has run out by the clock is not reported as done.", async () => {
    const { hold, clock, released } = holding();
    const work = () => void (clock.isOver = true);
    expect(await failureOf(runUnder(hold, work, resultOf))).toBe(LOSS);
    expect(released).toHaveBeenCalledExactlyOnceWith(undefined);
  });

  it("G7 Work is not reported as done if only its release reveals the loss, or the release fails.", async () => {
    const told = holding(async () => (told.lose(), false));
    expect(await failureOf(runUnder(told.hold, () => "done"))).toBe(LOSS);
    const failing = holding(async () => {
      failing.lose();
      throw new Error("of no interest");
    });
    expect(await failureOf(runUnder(failing.hold, () => "done"))).toBe(LOSS);
  });

  it("G7 Work whose lease was lost rejects with the loss, whatever the release does.", async () => {
    const { hold, lose } = holding(() => Promise.reject(new Error("of no interest")));
    expect(await failureOf(runUnder(hold, lose))).toBe(LOSS);
  });

  it("G7 A loss has what the work threw as its cause, unless that is the loss itself.", async () => {
    const mine = new Error("mine");
    const { hold, lose } = holding();
    const error = await failureOf(
      runUnder(hold, () => {
        lose();
        throw mine;
      }),
    );
    expect(error).toMatchObject({ code: "LEASE_LOST", why: "expired", lease: 7, message: "lost", cause: mine });
    const again = holding();
    const thrown = failureOf(
      runUnder(again.hold, ({ signal }) => {
        again.lose();
        signal.throwIfAborted();
      }),
    );
    expect(await thrown).toBe(LOSS);
    expect(Object.hasOwn(LOSS, "cause")).toBe(false);
  });
});
