// Replays of what users of other libraries reported. docs/correctness.md lists them: "Bugs of others, tried here".
import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fenceD1 } from "../../../src/index.ts";
import { faultyNamespace, losingReplies } from "../../support/faulty-namespace.ts";
import { crash, failureOf, freshId, leaseOf, lockOf, outcome, stubOf } from "../../support/locks.ts";
import { DAY, stored } from "../../support/once.ts";

let start = 0;
beforeEach(() => {
  start = Date.now();
});
afterEach(() => {
  vi.restoreAllMocks();
});
/** Sets the clock by which the objects judge leases to this many milliseconds after the start of the test. */
const setClock = (ms: number) => vi.spyOn(Date, "now").mockReturnValue(start + ms);

describe("Azure-Samples/cosmos-db-design-patterns#91", () => {
  it("numbers go on growing after the lock has expired and everything of it was cleaned up", async () => {
    const id = freshId();
    setClock(0);
    const before = await leaseOf(lockOf(id).acquire(60_000));
    setClock(2 * DAY);
    await runDurableObjectAlarm(stubOf(id));
    expect(await stored(id)).toEqual({ tables: [], alarm: null });
    await crash(id);
    expect(await leaseOf(lockOf(id).acquire(60_000))).toBeGreaterThan(before);
  });
});

describe("hhhjin/durable-locks, run", () => {
  it("a lock that is renewed for more than a day is not wiped while it is held, and its number stays its own", async () => {
    const lock = lockOf(freshId());
    setClock(0);
    const lease = await leaseOf(lock.acquire(DAY));
    setClock(DAY - 1_000);
    await lock.renew(lease, DAY);
    setClock(DAY + 1_000);
    await runDurableObjectAlarm(stubOf(lock.id));
    expect(await lock.acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    await lock.forceRelease();
    const next = await leaseOf(lock.acquire(1_000));
    expect(next).toBeGreaterThan(lease);
    expect(await lock.renew(lease, 1_000)).toMatchObject({ success: false, reason: "NO_LONGER_VALID" });
    expect(await lock.release(lease)).toMatchObject({ success: false, reason: "NO_LONGER_VALID" });
    expect(await lock.isLocked()).toBe(true);
  });

  it("a ttl that is no whole number of milliseconds is refused by its name, and nobody holds the lock", async () => {
    for (const ttl of [Number.NaN, 0, -1, 0.5, "1000", null, undefined] as number[]) {
      const id = freshId();
      const refusal = { argument: "ttl" };
      expect(await failureOf(lockOf(id).acquire(ttl))).toMatchObject({ code: "INVALID_ARGUMENT", ...refusal });
      const direct = await outcome((async () => await stubOf(id).acquire(ttl))());
      expect(direct.value).toMatchObject({ success: false, reason: "INVALID_ARGUMENT", ...refusal });
      expect(await stored(id)).toEqual({ tables: [], alarm: null });
    }
  });

  it("a caller whose grant was lost on its way gets that lease by its next try, and is not locked out", async () => {
    const id = freshId();
    const { namespace, calls } = faultyNamespace(losingReplies(["acquire"]));
    const lease = await leaseOf(lockOf(id, namespace).acquire(60_000));
    expect(calls.map(({ method }) => method)).toEqual(["acquire", "acquire"]);
    expect((await lockOf(id).status()).holders).toMatchObject([{ lease }]);
  });
});

describe("ORESoftware/live-mutex#17", () => {
  it("a ttl without end is refused, and does not let two in", async () => {
    const lock = lockOf(freshId());
    const tries = [lock.acquire(Infinity), lock.acquire(Infinity), lock.hold({ ttl: Infinity })];
    for (const error of await Promise.all(tries.map(failureOf)))
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "ttl" });
    expect(await lock.isLocked()).toBe(false);
  });
});

describe("etcd-io/etcd#10811", () => {
  it("a holder that has lost its lease and goes on writing changes nothing where its number is checked", async () => {
    const lock = lockOf(freshId());
    const table = `field_${crypto.randomUUID().replaceAll("-", "")}`;
    await env.DB.prepare(`CREATE TABLE ${table} (id TEXT PRIMARY KEY, value TEXT)`).run();
    const write = (lease: number, value: string) =>
      fenceD1(env.DB, lock.id, lease, [
        env.DB.prepare(`INSERT INTO ${table} VALUES ('file', ?) ON CONFLICT DO UPDATE SET value = excluded.value`).bind(
          value,
        ),
      ]);
    setClock(0);
    const first = await leaseOf(lock.acquire(1_000));
    await write(first, "a");
    setClock(5_000);
    const second = await leaseOf(lock.acquire(1_000));
    await write(second, "b");
    expect(await failureOf(write(first, "late"))).toMatchObject({ code: "STALE_LEASE", lease: first, newest: second });
    expect(await env.DB.prepare(`SELECT value FROM ${table}`).first("value")).toBe("b");
  });
});
