import { describe, expect, it } from "vitest";
import type { AcquireReply } from "../../../../src/core/replies.ts";
import type { LockRequest } from "../../../../src/core/request.ts";
import { acquire } from "../../../../src/hold/acquire.ts";
import type { Acquisition } from "../../../../src/hold/acquisition.ts";
import type { Fault } from "../../../../src/transport/fault.ts";
import { fakeTime, pass } from "../../../support/fake-time.ts";
import { connectionLost, overloaded } from "../../../support/faulty-namespace.ts";
import { outcome, sleep } from "../../../support/outcome.ts";
import { scriptedPrimitives } from "../../../support/scripted-primitives.ts";

fakeTime();

const GRANT: AcquireReply = { success: true, lease: 7, deadline: 1, validFor: 1_000 };
const FULL: AcquireReply = { success: false, reason: "QUEUE_FULL", retryAfter: 1_000 };
const waiting = (many?: number): AcquireReply => ({
  success: false,
  reason: "BORROWED",
  ...(many !== undefined && { waiting: many }),
});
const fault = (details: Omit<Fault, "name" | "message">) => Object.assign(connectionLost(), details);

interface Step {
  after?: number;
  reply: AcquireReply | Error;
}

/** Waits in the queue for a lock that answers as the steps say; returns the requests and the outcome. */
function waitFor(wait: number, steps: Step[], lengths: number[] = []) {
  const { primitives, calls } = scriptedPrimitives({
    acquire: async () => {
      const { after = 0, reply } = steps.shift() ?? { reply: GRANT };
      if (after > 0) await sleep(after);
      if (reply instanceof Error) throw reply;
      return reply;
    },
    cancel: async () => undefined,
    ...(lengths.length > 0 && { longPoll: () => lengths.shift() ?? 25_000 }),
  });
  const request = { requestId: "r", ttl: 1_000, wait, waited: 0 } as LockRequest;
  const acquisition: Acquisition = { request, signal: undefined, poll: undefined, named: false };
  const asked = () =>
    calls
      .filter(({ method }) => method === "acquire")
      .map(({ at, args }) => {
        const { wait: left, waited, longPoll } = args[0] as LockRequest;
        return { at, wait: left, waited, longPoll };
      });
  return { acquired: outcome(acquire(primitives, acquisition)), asked };
}

describe("Polls shorter than the wait", () => {
  it("G4 A waiter whose polls are shorter than its wait says so, and the end of a poll does not end its wait.", async () => {
    const { acquired, asked } = waitFor(
      20_000,
      [
        { after: 8_000, reply: waiting(2) },
        { after: 8_000, reply: waiting(2) },
        { after: 4_000, reply: waiting() },
      ],
      [8_000, 8_000, 8_000],
    );
    await pass(20_000);
    expect(await acquired).toEqual({ value: waiting() });
    expect(asked()).toEqual([
      { at: 0, wait: 20_000, waited: 0, longPoll: 8_000 },
      { at: 8_000, wait: 12_000, waited: 8_000, longPoll: 8_000 },
      { at: 16_000, wait: 4_000, waited: 16_000, longPoll: undefined },
    ]);
  });

  it("G4 A waiter asks again at once after a cut, and two cuts at the shortest poll are an outage.", async () => {
    const cut = (cutAfter: number) => ({ after: cutAfter, reply: fault({ cutAfter }) });
    const { acquired, asked } = waitFor(600_000, [cut(6_000), cut(6_000), cut(6_000)], [25_000, 5_000, 5_000]);
    await pass(18_100);
    expect((await acquired).error).toMatchObject({ code: "UNREACHABLE", cause: { cutAfter: 6_000 } });
    expect(asked().map(({ at }) => at)).toEqual([0, 6_025, 12_050]);
  });

  it("G4 A waiter survives two cuts at the shortest poll with an answer between them.", async () => {
    const cut = { after: 6_000, reply: fault({ cutAfter: 6_000 }) };
    const answer = { after: 5_000, reply: waiting(1) };
    const { acquired } = waitFor(
      600_000,
      [cut, answer, cut, answer, cut],
      Array.from({ length: 9 }, () => 5_000),
    );
    await pass(60_000);
    expect((await acquired).value).toMatchObject({ lease: 7 });
  });
});

describe("Cuts below 5 s", () => {
  const cut = (cutAfter: number) => ({ after: cutAfter, reply: fault({ cutAfter }) });

  it("G11 Cuts of one length below 5 s, without an answer for 15 s, are an outage whose message names the proxy's timeout.", async () => {
    const { acquired } = waitFor(
      600_000,
      Array.from({ length: 9 }, () => cut(4_000)),
    );
    await pass(16_200);
    expect((await acquired).error).toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringMatching(/cut 4\.0 s after it was sent: a proxy may end requests that wait/),
    });
  });

  it("G11 Cuts of different lengths below 5 s are those of a service that restarts again and again, and the waiter goes on.", async () => {
    const { acquired } = waitFor(600_000, [cut(4_000), cut(2_000), cut(4_000), cut(1_500), cut(4_500), cut(1_000)]);
    await pass(20_000);
    expect((await acquired).value).toMatchObject({ lease: 7 });
  });
});

describe("Faults that a waiter waits out", () => {
  it("G4 A waiter waits out an overloaded platform and comes back more slowly each time.", async () => {
    const { acquired, asked } = waitFor(
      60_000,
      Array.from({ length: 4 }, () => ({ reply: overloaded() })),
    );
    await pass(20_000);
    expect((await acquired).value).toMatchObject({ lease: 7 });
    expect(asked().map(({ at }) => at)).toEqual([0, 750, 2_250, 5_250, 9_000]);
  });

  it("G4 A waiter waits out a Retry-After and a little more, so that not all waiters come back in the same instant.", async () => {
    const limited = { reply: fault({ retryAfter: 10_000, isAnswer: true, rateLimited: true }) };
    const { acquired, asked } = waitFor(
      120_000,
      Array.from({ length: 8 }, () => limited),
    );
    await pass(90_000);
    expect((await acquired).value).toMatchObject({ lease: 7 });
    expect(asked().map(({ at }) => at)).toEqual([0, 10_500, 21_000, 31_500, 42_000, 52_500, 63_000, 73_500, 84_000]);
  });

  it("G4 A waiter waits out the Retry-After of a service that is away for no longer than its patience lasts.", async () => {
    const away = { reply: fault({ retryAfter: 10_000 }) };
    const { acquired, asked } = waitFor(
      120_000,
      Array.from({ length: 8 }, () => away),
    );
    await pass(60_000);
    expect((await acquired).error).toMatchObject({ code: "UNREACHABLE", cause: { retryAfter: 10_000 } });
    expect(asked().map(({ at }) => at)).toEqual([0, 10_500, 21_000, 31_500, 42_000, 52_500]);
  });

  it("G4 A waiter waits out a full queue if it had a queue entry before, but not a queue that is full from the start.", async () => {
    const before = waitFor(60_000, [{ after: 25_000, reply: waiting(10_000) }, { reply: FULL }, { reply: FULL }]);
    await pass(60_000);
    expect((await before.acquired).value).toMatchObject({ lease: 7 });
    expect(await waitFor(60_000, [{ reply: FULL }]).acquired).toEqual({ value: FULL });
  });

  it("G4 A waiter does not wait out a queue that is full from the start, however late a busy object says so.", async () => {
    const { acquired, asked } = waitFor(60_000, [{ after: 4_000, reply: FULL }]);
    await pass(60_000);
    expect(await acquired).toEqual({ value: FULL });
    expect(asked()).toHaveLength(1);
  });

  it("G4 A waiter waits out an outage of 16 s at the end of a poll, and then parks no longer than its patience lasts.", async () => {
    const refused = Array.from({ length: 25 }, () => ({ reply: connectionLost() }));
    const { acquired, asked } = waitFor(120_000, [
      { after: 20_000, reply: connectionLost() },
      ...refused,
      { after: 17_000, reply: waiting(1) },
    ]);
    await pass(100_000);
    expect((await acquired).value).toMatchObject({ lease: 7 });
    const back = asked().at(-2);
    expect(back?.at).toBeGreaterThan(36_000);
    expect((back?.at ?? 0) + (back?.longPoll ?? 0)).toBeLessThanOrEqual(55_001);
    expect(asked().at(-1)).toMatchObject({ longPoll: undefined });
  });
});

describe("Waits that end at once", () => {
  it("G11 A wait ends at once with RATE_LIMITED if the service's Retry-After is longer than the wait.", async () => {
    const limited = fault({ retryAfter: 10_000, isAnswer: true, rateLimited: true });
    const { acquired, asked } = waitFor(5_000, [{ reply: limited }]);
    expect((await acquired).error).toMatchObject({ code: "RATE_LIMITED", retryAfter: 10_000, cause: limited });
    expect(asked()).toHaveLength(1);
  });

  it("G11 A wait ends at once with the reason if a daily limit of the platform's free plan is used up.", async () => {
    const limit = new Error("Exceeded allowed duration in Durable Objects free tier.");
    const { acquired, asked } = waitFor(60_000, [{ reply: Object.assign(limit, { retryable: true }) }]);
    expect((await acquired).error).toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringContaining("a daily limit of Cloudflare's free plan is reached"),
    });
    expect(asked()).toHaveLength(1);
  });
});

describe("Waiter without an answer", () => {
  it("G11 A waiter without an answer aborts each poll before it asks again, and its outage carries the last fault.", async () => {
    const given: (AbortSignal | undefined)[] = [];
    let asked = 0;
    const lost = connectionLost();
    const { primitives } = scriptedPrimitives({
      acquire: (_request, signal) => {
        given.push(signal);
        return (asked += 1) === 1 ? Promise.reject(lost) : new Promise<never>(() => {});
      },
      cancel: async () => undefined,
    });
    const request = { requestId: "r", ttl: 1_000, wait: 86_400_000, waited: 0 } as LockRequest;
    const acquired = outcome(acquire(primitives, { request, signal: undefined, poll: undefined, named: false }));
    await pass(35_000);
    expect(given.map((signal) => signal?.aborted)).toEqual([true, true, false]);
    await pass(25_000);
    const { error } = await acquired;
    expect(error).toMatchObject({ code: "UNREACHABLE", cause: lost });
    expect(String(error)).toContain("It has not answered for 60.0 s.");
    expect(given.map((signal) => signal?.aborted)).toEqual([true, true, true]);
  });
});
