import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { ArrivalTicket, DurableRendezvous } from "../../../src/index.ts";
import { freshId } from "../../support/locks.ts";
import { type Call, type Input, inputsOf } from "./calls.ts";
import { PARKED, expectRefusal, inside, isRefused, settled } from "./host.ts";
import { RULES, fuzz } from "./values.ts";

const { count, parties, wait, waited, text } = RULES;

const CALLS: Call[] = [
  {
    method: "countDown",
    takes: ["count", "by", "requestId"],
    rules: { count, by: count, requestId: text },
    good: { count: 10_000, by: 1, requestId: "again" },
    together: ({ count: most, by }) => (count(most) && count(by) && (by as number) > (most as number) ? ["by"] : []),
  },
  { method: "awaitLatch", takes: ["count", "wait"], rules: { count, wait }, good: { count: 10_000, wait: 0 } },
  {
    method: "arriveAtBarrier",
    takes: ["arrival"],
    options: { arrival: ["parties", "requestId", "wait", "waited"] },
    rules: { parties, requestId: text, wait, waited },
    good: { parties: 1_000, requestId: "again", wait: 10, waited: 0 },
  },
  { method: "leave", takes: ["requestId"], rules: { requestId: text }, good: {} },
];

async function answerOf(object: DurableRendezvous, { method }: Call, args: unknown[]): Promise<unknown> {
  const reply = (object as unknown as Record<string, (...args: unknown[]) => unknown>)[method]?.(...args);
  if (method !== "arriveAtBarrier") return await settled(reply);
  const { entry, outcome } = reply as ArrivalTicket;
  const known = await settled(outcome.reply());
  entry[Symbol.dispose]();
  return known;
}

function expectTyped(reply: unknown): void {
  if (reply === PARKED || reply === true) return;
  const { success, reason, remaining, generation } = reply as Record<string, unknown>;
  if (success === false) expect(["BROKEN", "TIMEOUT", "WAITING", "QUEUE_FULL"]).toContain(reason);
  else expect(Number.isSafeInteger(remaining ?? generation)).toBe(true);
}

/** Calls from outside to the object of latches and barriers. */
export function fuzzRendezvousCalls(runs: number): void {
  it.each(CALLS.map((call): [string, Call] => [call.method, call]))(
    "G9 %s of a latch or barrier answers arbitrary input as documented.",
    async (_method, call) => {
      await inside<DurableRendezvous>(env.DURABLE_RENDEZVOUS.getByName(freshId()), async (object, state, watched) => {
        const look = async () => [await object.waiting(), watched.touched(), watched.timers()];
        const check = async (input: Input) => {
          const before = await look();
          const reply = await answerOf(object, call, input.args);
          // Earlier parties may have given another number.
          const wrong = [...input.wrong, ...(input.wrong.length === 0 ? ["count", "parties"] : [])];
          if (input.wrong.length > 0 && !input.wrong.includes("?")) expect(isRefused(reply)).toBe(true);
          if (!isRefused(reply)) return expectTyped(reply);
          expectRefusal(reply, wrong);
          expect(await look()).toEqual(before);
        };
        await fuzz(
          runs / 10,
          inputsOf(call).filter(({ wrong }) => wrong.length > 0 && !wrong.includes("?")),
          check,
        );
        expect(state.storage.sql.exec("SELECT name FROM sqlite_master").toArray()).toEqual([]);
        await fuzz(runs, inputsOf(call), check);
      });
    },
  );
}
