import { describe, expect, it, vi } from "vitest";
import type { JobResult } from "../../../src/core/replies.ts";
import { runUnder } from "../../../src/hold/work.ts";
import { LeaseLostError } from "../../../src/index.ts";
import { failureOf, sleep } from "../../support/outcome.ts";

const LOSS = new LeaseLostError("expired", 7, "lost");

/** A hold that is lost when `lose` is called, and by a look at the clock once `isOver`. */
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

describe("G7 work under a lock", () => {
  it("is what it is if the lease was live throughout, and its result is stored", async () => {
    const { hold, released } = holding();
    expect(await runUnder(hold, () => "done", resultOf)).toBe("done");
    expect(released).toHaveBeenCalledExactlyOnceWith(resultOf());
  });

  it("stores nothing unless it is told to", async () => {
    const { hold, released } = holding();
    await runUnder(hold, async () => "done");
    expect(released).toHaveBeenCalledExactlyOnceWith(undefined);
  });

  it("that throws throws, at once or later, and the lock is released", async () => {
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

  it("that throws is what counts, whatever comes of the release, and is not told before that is known", async () => {
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

  it("whose release fails throws that", async () => {
    const { hold } = holding(() => Promise.reject(new Error("no idea")));
    expect(await failureOf(runUnder(hold, () => "done"))).toMatchObject({ message: "no idea" });
  });
});

describe("G7 work that outlived its lease is not told as done", () => {
  it("if its signal fired", async () => {
    const { hold, lose, released } = holding();
    expect(await failureOf(runUnder(hold, lose, resultOf))).toBe(LOSS);
    expect(released).toHaveBeenCalledExactlyOnceWith(undefined);
  });

  it("if a fresh look at the clock says so", async () => {
    const { hold, clock, released } = holding();
    const work = () => void (clock.isOver = true);
    expect(await failureOf(runUnder(hold, work, resultOf))).toBe(LOSS);
    expect(released).toHaveBeenCalledExactlyOnceWith(undefined);
  });

  it("if only the answer to its release says so, or that fails", async () => {
    const told = holding(async () => (told.lose(), false));
    expect(await failureOf(runUnder(told.hold, () => "done"))).toBe(LOSS);
    const failing = holding(async () => {
      failing.lose();
      throw new Error("of no interest");
    });
    expect(await failureOf(runUnder(failing.hold, () => "done"))).toBe(LOSS);
  });

  it("whatever comes of the release of what is lost", async () => {
    const { hold, lose } = holding(() => Promise.reject(new Error("of no interest")));
    expect(await failureOf(runUnder(hold, lose))).toBe(LOSS);
  });

  it("and what it threw is the cause, unless that is the loss itself", async () => {
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
