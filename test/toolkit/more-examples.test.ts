import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { onPayment } from "../../examples/idempotent-job.ts";
import { follow, schedule } from "../../examples/leader.ts";
import { maintain, reindex } from "../../examples/operators.ts";
import { refresh } from "../../examples/web-locks.ts";
import { webLocks } from "../../src/index.ts";
import { freshId, lockOf, sleep } from "../support/locks.ts";

const locks = env.DURABLE_LOCK;

describe("the examples of the toolkit", () => {
  it("idempotent job: a payment is booked once, and another under its id is refused", async () => {
    let booked = 0;
    const book = async () => ({ receipt: `receipt ${(booked += 1)}` });
    const event = { id: freshId(), order: "7", cents: 100 };
    const responses = await Promise.all(Array.from({ length: 5 }, () => onPayment(locks, event, book)));
    for (const response of responses) expect(await response.json()).toEqual({ receipt: "receipt 1" });
    expect((await onPayment(locks, { ...event, cents: 200 }, book)).status).toBe(422);
    expect(booked).toBe(1);
  });

  it("leader: one machine at a time runs what is due, and the next takes over", async () => {
    const [stopA, stopB] = [new AbortController(), new AbortController()];
    const ran = vi.fn();
    const run = (machine: string) => async (term: number) => {
      ran(machine, term);
      await sleep(5);
    };
    const a = schedule(locks, "a", run("a"), stopA.signal);
    await vi.waitFor(() => expect(ran).toHaveBeenCalledWith("a", expect.any(Number)));
    const b = schedule(locks, "b", run("b"), stopB.signal);
    const seen: (string | undefined)[] = [];
    const following = follow(locks, (leader) => {
      if (leader) seen.push(leader.owner);
      if (leader?.owner === "a") stopA.abort();
      return leader?.owner === "b" ? "enough" : "more";
    });
    await Promise.all([a, following]);
    expect(seen).toEqual(["a", "b"]);
    stopB.abort();
    await b;
  });

  it("operators: a job that is asked steps aside", async () => {
    const id = freshId();
    const job = reindex(locks, id, async () => (await sleep(5), true));
    await vi.waitFor(async () => expect(await lockOf(id).isLocked()).toBe(true));
    expect(await maintain(locks, id, 15_000, async () => "maintained")).toBe("maintained");
    expect(await job).toBe("stepped aside");
  });

  it("operators: a holder that does not step aside is cut off", async () => {
    const id = freshId();
    const deaf = await lockOf(id).hold({ bound: true });
    expect(await maintain(locks, id, 50, async () => "maintained")).toBe("maintained");
    await vi.waitFor(() => expect(deaf.signal.aborted).toBe(true));
  });

  it("web locks: a token is renewed once for all", async () => {
    let token: string | undefined;
    const renew = vi.fn(async () => (await sleep(5), void (token = "fresh")));
    const source = { get: () => token, renew };
    const got = await Promise.all(Array.from({ length: 5 }, () => refresh(webLocks(locks), source)));
    expect(got).toEqual(Array(5).fill("fresh"));
    expect(renew).toHaveBeenCalledTimes(1);
  });
});
