import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { onPayment } from "../../examples/idempotent-job.ts";
import { refresh } from "../../examples/web-locks.ts";
import { webLocks } from "../../src/index.ts";
import { freshId, sleep } from "../support/locks.ts";

const locks = env.DURABLE_LOCK;

describe("Examples of the toolkit", () => {
  it("The idempotent job example books a payment once, and refuses another one under its id.", async () => {
    let booked = 0;
    const book = async () => ({ receipt: `receipt ${(booked += 1)}` });
    const event = { id: freshId(), order: "7", cents: 100 };
    const responses = await Promise.all(Array.from({ length: 5 }, () => onPayment(locks, event, book)));
    for (const response of responses) expect(await response.json()).toEqual({ receipt: "receipt 1" });
    expect((await onPayment(locks, { ...event, cents: 200 }, book)).status).toBe(422);
    expect(booked).toBe(1);
  });

  it("The Web Locks example renews a token once for all.", async () => {
    let token: string | undefined;
    const renew = vi.fn(async () => (await sleep(5), void (token = "fresh")));
    const source = { get: () => token, renew };
    const got = await Promise.all(Array.from({ length: 5 }, () => refresh(webLocks(locks), source)));
    expect(got).toEqual(Array(5).fill("fresh"));
    expect(renew).toHaveBeenCalledTimes(1);
  });
});
