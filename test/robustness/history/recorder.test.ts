import { expect, test } from "vitest";
import { createLock } from "../../../src/index.ts";
import { memoryPrimitives } from "../../support/memory-primitives.ts";
import { check } from "./check.ts";
import { type History, type Section, ofKind } from "./records.ts";
import { type Journal, memoryJournal, recorded } from "./recorder.ts";

/** Ten clients that take turns, on the shipped client and core; every third lets its lease run out. */
async function takeTurns(journal: Journal): Promise<void> {
  const shared = memoryPrimitives("lock");
  const client = async (n: number) => {
    const name = `client-${n}`;
    const lock = createLock(recorded(shared, name, journal));
    if (n % 3 === 0) await lock.acquire(30, { wait: 10_000 });
    else
      await lock.withLock(
        async ({ lease, isLost }) => {
          const { now, open } = journal;
          const section: Section = {
            kind: "section",
            lock: "lock",
            client: name,
            lease,
            fenced: false,
            entered: now(),
            steps: [],
          };
          const add = open(section);
          const checked = now();
          await new Promise((resolve) => setTimeout(resolve, 5));
          if (!isLost()) add({ steps: [{ checked, at: now() }] });
          add({ left: now() });
        },
        { wait: 10_000 },
      );
  };
  await Promise.all(Array.from({ length: 10 }, (_, n) => client(n)));
}

/** What of the timestamps is whole milliseconds, and the rest. */
const TOLERANCE = 2;

async function recordedTurns(): Promise<History> {
  const journal = memoryJournal(() => performance.now());
  await takeTurns(journal);
  return journal.history;
}

test("A correct lock explains what the shipped lock does.", async () => {
  const history = await recordedTurns();
  expect(ofKind(history, "acquire")).toHaveLength(10);
  expect(ofKind(history, "release")).toHaveLength(6);
  expect(check(history, TOLERANCE)).toEqual([]);
});

test("A correct lock does not explain a history in which any two leases have changed places.", async () => {
  const history = await recordedTurns();
  const leases = ofKind(history, "acquire")
    .map(({ lease }) => lease as number)
    .sort((a, b) => a - b);
  for (const [n, lease] of leases.slice(1).entries()) {
    const swapped = new Map([
      [lease, leases[n]],
      [leases[n], lease],
    ]);
    const corrupt = history.map((entry) =>
      "lease" in entry && entry.lease !== undefined
        ? { ...entry, lease: swapped.get(entry.lease) ?? entry.lease }
        : entry,
    ) as History;
    expect(check(corrupt, TOLERANCE)).not.toEqual([]);
  }
});

test("G5 A failed call is recorded as a call without an answer.", async () => {
  const { history, now, open } = memoryJournal(() => performance.now());
  const fails = { ...memoryPrimitives("lock"), release: () => Promise.reject(new Error("cut")) };
  await recorded(fails, "a", { now, open })
    .release(1, "request")
    .catch(() => {});
  expect(history).toEqual([
    { kind: "release", lock: "lock", client: "a", requestId: "request", lease: 1, invoked: expect.any(Number) },
  ]);
});
