import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { closeMonth } from "../../examples/fence-d1-r2.ts";
import { priceService, setPrice } from "../../examples/fence-http.ts";
import { fenceHeaders, fenceR2 } from "../../src/index.ts";
import { freshId, leaseOf, lockOf, outcome, sleep } from "../support/locks.ts";

const { DB, BUCKET } = env;

describe("Examples of fencing", () => {
  beforeAll(async () => {
    await DB.exec("CREATE TABLE entries (month TEXT, amount INTEGER)");
    await DB.exec("CREATE TABLE closed (month TEXT PRIMARY KEY, total INTEGER)");
  });

  it("The fencing example closes a month in D1 and R2, and refuses a late closing of both.", async () => {
    const month = freshId();
    await DB.prepare("INSERT INTO entries VALUES (?, 3), (?, 4)").bind(month, month).run();
    await closeMonth({ DURABLE_LOCK: env.DURABLE_LOCK, DB, BUCKET }, month);
    expect(await DB.prepare("SELECT total FROM closed WHERE month = ?").bind(month).first("total")).toBe(7);
    expect(await (await BUCKET.get(`${month}.json`))?.json()).toEqual({ month, total: 7 });
    expect(await outcome(fenceR2(BUCKET, `${month}.json`, 1, "late"))).toMatchObject({
      error: { code: "STALE_LEASE" },
    });
  });

  it("The fencing example sets a price over HTTP, and answers 412 to a late one.", async () => {
    const product = freshId();
    const prices = new Map<string, number>();
    const shop = priceService(prices);
    const late = await leaseOf(lockOf(product).acquire(20));
    await sleep(30);
    expect(await setPrice(env.DURABLE_LOCK, shop, product, 5)).toBe(200);
    const headers = fenceHeaders(product, late);
    expect((await shop(new Request("https://shop/price", { method: "PUT", body: "1", headers }))).status).toBe(412);
    expect((await shop(new Request("https://shop/price", { method: "PUT", body: "1" }))).status).toBe(400);
    expect(prices.get(product)).toBe(5);
  });
});
