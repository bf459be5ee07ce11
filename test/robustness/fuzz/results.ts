import fc from "fast-check";
import { expect, it } from "vitest";
import { type DurableLock, isLockError, once } from "../../../src/index.ts";
import { freshId, lockOf, outcome, stubOf } from "../../support/locks.ts";
import { inside } from "./host.ts";
import { anything, fuzz } from "./values.ts";

/** What no clone can be made of, what is too large for a row, and what is just not. */
const awkward = fc
  .constantFrom<() => unknown>(
    () => () => {},
    () => Symbol("x"),
    () => new Proxy({}, {}),
    () => ({ deep: [() => {}] }),
    () => Object.create({ inherited: 1 }) as object,
    () =>
      new (class Point {
        x = 1;
      })(),
    () => new WeakMap(),
    () => nested(50_000),
    () => nested(100),
    () => "x".repeat(2_200_000),
    () => new Uint8Array(2_200_000),
    () => new Uint8Array(1_900_000),
    () => [-0, Number.NaN, Infinity, 2n ** 70n, "\ud800"],
  )
  .map((make) => make());

function nested(depth: number): unknown {
  let value: unknown = "inmost";
  for (let n = 0; n < depth; n += 1) value = [value];
  return value;
}

const value = fc.oneof({ weight: 3, arbitrary: anything }, { weight: 1, arbitrary: awkward });
/** What it is now, if it can be cloned: some getters answer another thing each time, and then nothing can be compared. */
function still(made: unknown): unknown {
  try {
    return structuredClone(made);
  } catch {
    return made;
  }
}

const REFUSED = ["RESULT_NOT_CLONEABLE", "RESULT_TOO_LARGE"];

/** Results of jobs, of every kind that a job can return. */
export function fuzzResults(runs: number): void {
  it("A result is stored with the release, or it is refused by name and the lease stays as it was.", async () => {
    await inside<DurableLock>(stubOf(freshId()), async (lock) => {
      await fuzz(runs, value, async (stored) => {
        const { lease } = (await lock.acquire(60_000, { steal: true })) as { lease: number };
        const result = { value: stored, failed: false, retain: 1_000 };
        const reply = await lock.release(lease, { result });
        if (reply === true) return expect(await lock.isLocked()).toBe(false);
        expect(REFUSED).toContain(reply.reason);
        expect((await lock.status()).holders).toMatchObject([{ lease }]);
      });
    });
  });

  it("once returns any result of a job again and again, or says why it is not stored.", async () => {
    await fuzz(runs / 25, value.map(still), async (made) => {
      const lock = lockOf(freshId());
      const { value: first, error } = await outcome(once(lock, () => made));
      expect(await lock.isLocked()).toBe(false);
      if (error !== undefined) return expect(isLockError(error) && REFUSED.includes(error.code)).toBe(true);
      expect(first).toBe(made);
      const again = await once<unknown>(lock, () => "again");
      expect(fc.stringify(again)).toBe(fc.stringify(structuredClone(made)));
    });
  });

  it("once throws whatever a job throws, and a recorded failure does the same.", async () => {
    await fuzz(runs / 25, value, async (thrown) => {
      const lock = lockOf(freshId());
      const job = () => {
        throw thrown;
      };
      const first = await outcome(once(lock, job, { recordErrors: true }));
      expect(await lock.isLocked()).toBe(false);
      expect("error" in first).toBe(true);
      const again = await outcome(once(lock, () => "ran", { recordErrors: true }));
      expect("error" in again || again.value === "ran").toBe(true);
    });
  });
}
