import { describe, expect, it } from "vitest";
import { PollLength, pollLengthTo } from "../../../../src/transport/http/poll-length.ts";
import { fakeTime, pass } from "../../../support/fake-time.ts";

fakeTime();

describe("Length of a long poll", () => {
  it("G9 A long poll lasts 25 s until one is cut, and then less than the time before the cut.", () => {
    const polls = new PollLength();
    expect(polls.next()).toBe(25_000);
    polls.cut(10_000);
    expect(polls.next()).toBe(8_000);
  });

  it("G9 A long poll lasts 5 s at least.", () => {
    const polls = new PollLength();
    polls.cut(5_001);
    expect(polls.next()).toBe(5_000);
  });

  it("G9 A long poll is never longer after a cut than before it.", () => {
    const polls = new PollLength();
    polls.cut(10_000);
    polls.cut(24_000);
    expect(polls.next()).toBe(8_000);
  });

  it("G9 One long poll lasts 25 s again a minute after a cut, and all do if that one gets through.", async () => {
    const polls = new PollLength();
    polls.cut(10_000);
    await pass(59_999);
    expect(polls.next()).toBe(8_000);
    await pass(1);
    expect([polls.next(), polls.next()]).toEqual([25_000, 8_000]);
    polls.passed(25_000);
    expect(polls.next()).toBe(25_000);
  });

  it("G9 A long poll of 25 s is tried again half as often after each try that is cut.", async () => {
    const polls = new PollLength();
    polls.cut(10_000);
    await pass(60_000);
    expect(polls.next()).toBe(25_000);
    polls.cut(10_000);
    await pass(119_999);
    expect(polls.next()).toBe(8_000);
    await pass(1);
    expect(polls.next()).toBe(25_000);
  });

  it("G9 A long poll of 25 s is tried again after a minute even if a restart cut a hundred polls at once.", async () => {
    const polls = new PollLength();
    for (let n = 0; n < 100; n += 1) polls.cut(6_000 + 100 * n);
    expect(polls.next()).toBe(5_000);
    await pass(60_000);
    expect(polls.next()).toBe(25_000);
  });

  it("G9 A long poll gets longer after a shorter one gets through.", () => {
    const polls = new PollLength();
    polls.cut(10_000);
    polls.passed(9_000);
    expect(polls.next()).toBe(9_000);
    polls.passed(5_000);
    expect(polls.next()).toBe(9_000);
  });

  it("G9 The length of a long poll is remembered by origin, for the latest hundred origins.", () => {
    pollLengthTo("https://one.example/locks").cut(10_000);
    expect(pollLengthTo("https://one.example/other").next()).toBe(8_000);
    expect(pollLengthTo("https://two.example/locks").next()).toBe(25_000);
    for (let n = 0; n < 100; n += 1) pollLengthTo(`https://${n}.example`);
    expect(pollLengthTo("https://one.example").next()).toBe(25_000);
  });
});
