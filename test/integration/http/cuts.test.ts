import { describe, expect, it } from "vitest";
import type { LockRequest } from "../../../src/core/request.ts";
import { httpPrimitives } from "../../../src/transport/http/http-primitives.ts";
import { PollLength } from "../../../src/transport/http/poll-length.ts";
import { fakeTime, pass } from "../../support/fake-time.ts";
import { failureOf } from "../../support/outcome.ts";

fakeTime();

const REQUEST: LockRequest = {
  requestId: "r",
  ttl: 1_000,
  wait: 60_000,
  waited: 0,
  exclusive: true,
  permits: 1,
  capacity: 1,
  owner: undefined,
  lockDelay: 0,
  steal: false,
  job: undefined,
};

/** Asks for the lock with the given `fetch`; returns how the call fails and how long the next long poll may be. */
function asking(fetch: typeof globalThis.fetch) {
  const polls = new PollLength();
  const caller = new AbortController();
  const primitives = httpPrimitives({ base: "https://locks.example", token: "token", fetch }, polls, "a");
  return { failure: failureOf(primitives.acquire(REQUEST, caller.signal)), caller, polls };
}

const untilGivenUp = (signal: AbortSignal | null | undefined) =>
  new Promise<never>((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));

const failingLate = (code: string) =>
  asking(async () => {
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    throw new TypeError("fetch failed", { cause: Object.assign(new Error("why"), { code }) });
  });

describe("A long poll that fails after 10 s", () => {
  it("G4: A long poll whose connection was closed counts as cut, and the next one is shorter.", async () => {
    const { failure, polls } = failingLate("UND_ERR_SOCKET");
    await pass(10_000);
    expect(await failure).toMatchObject({ isCut: true, cutAfter: 10_000 });
    expect(polls.next()).toBe(8_000);
  });

  it("G4: A long poll that could not connect does not count as cut.", async () => {
    const { failure, polls } = failingLate("UND_ERR_CONNECT_TIMEOUT");
    await pass(10_000);
    expect(await failure).toMatchObject({ isCut: false });
    expect(polls.next()).toBe(25_000);
  });

  it.each<[string, typeof fetch]>([
    ["before an answer begins", (_url, init) => untilGivenUp(init?.signal)],
    [
      "in the middle of the answer",
      async (_url, init) =>
        new Response(new ReadableStream({ start: (body) => untilGivenUp(init?.signal).catch((e) => body.error(e)) })),
    ],
  ])("G4: A long poll that its caller gave up %s does not count as cut.", async (_name, fetch) => {
    const { failure, caller, polls } = asking(fetch);
    await pass(10_000);
    caller.abort();
    expect(await failure).toMatchObject({ isCut: false });
    expect(polls.next()).toBe(25_000);
  });
});
