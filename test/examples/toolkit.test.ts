import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { callAlone, callApi } from "../../examples/at-most-ten.ts";
import { readCatalogue } from "../../examples/read-write-lock.ts";
import { transfer } from "../../examples/transfer.ts";
import { freshId, outcome, sleep } from "../support/locks.ts";

const locks = env.DURABLE_LOCK;

describe("Examples of the toolkit", () => {
  it("The at most ten example runs the backup while there are no calls.", async () => {
    let calling = 0;
    const call = async () => {
      calling += 1;
      await sleep(5);
      calling -= 1;
      return new Response("ok");
    };
    const calls = Array.from({ length: 20 }, () => callApi(locks, call));
    expect(await callAlone(locks, async () => calling)).toBe(0);
    await Promise.all(calls);
  });

  it("The read-write lock example builds a stale catalogue once, however many callers ask.", async () => {
    let text: string | undefined;
    let built = 0;
    const catalogue = {
      read: async () => text,
      rebuild: async (fencingToken: number) => {
        expect(fencingToken).toBeGreaterThan(0);
        built += 1;
        await sleep(5);
        text = "all you can buy";
      },
    };
    const id = freshId();
    const read = await Promise.all(Array.from({ length: 10 }, () => readCatalogue(locks, id, catalogue)));
    expect(new Set(read)).toEqual(new Set(["all you can buy"]));
    expect(built).toBe(1);
  });

  it("The transfer example loses and makes no money, in whatever direction it moves.", async () => {
    const [one, other] = [freshId(), freshId()];
    const store = new Map([
      [one, 100],
      [other, 100],
    ]);
    const balances = {
      get: async (id: string) => (await sleep(1), store.get(id) ?? 0),
      set: async (id: string, balance: number) => (await sleep(1), void store.set(id, balance)),
    };
    const there = Array.from({ length: 8 }, () => transfer(locks, balances, one, other, 10));
    const back = Array.from({ length: 5 }, () => transfer(locks, balances, other, one, 10));
    await Promise.all([...there, ...back]);
    expect([store.get(one), store.get(other)]).toEqual([70, 130]);
    const { error } = await outcome(transfer(locks, balances, one, other, 1_000));
    expect(error).toMatchObject({ message: "Not enough money." });
  });
});
