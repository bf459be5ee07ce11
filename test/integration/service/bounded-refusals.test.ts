import { runInDurableObject } from "cloudflare:test";
import { expect, it, vi } from "vitest";
import { DurableLock, observe } from "../../../src/index.ts";
import { connectOver } from "../../support/http.ts";
import { freshId, lockOf, stubOf, untilWaiting } from "../../support/locks.ts";
import { TOKENS, ask, at, send } from "./calls.ts";

const READER = { permits: 1, capacity: Infinity };

/** Takes this many reader leases in one turn, and returns them. */
const readers = (id: string, many: number) =>
  runInDurableObject(stubOf(id), async (lock) => {
    const leases: number[] = [];
    for (let n = 0; n < many; n += 1) {
      const reply = await lock.acquire(600_000, { ...READER, owner: `${n} ${"x".repeat(500)}` });
      leases.push(reply.success ? reply.lease : 0);
    }
    return leases;
  });

const write = (id: string, more: object = {}, token = TOKENS.all) =>
  ask(at(id, "acquire"), { token, body: { ttl: 60_000, ...more } });

it("A refused acquire lists the ten oldest of 2,000 holders and counts the rest, without asking for the status.", async () => {
  const id = freshId();
  const leases = await readers(id, 2_000);
  const looks = [vi.spyOn(DurableLock.prototype, "status"), vi.spyOn(DurableLock.prototype, "watch")];
  const { status, body } = await write(id);
  expect([status, body.reason, body["moreHolders"]]).toEqual([409, "BORROWED", 1_990]);
  expect(body["holders"]).toMatchObject(
    leases.slice(0, 10).map((lease, n) => ({ lease, owner: expect.stringMatching(`^${n} x`) })),
  );
  expect(JSON.stringify(body).length).toBeLessThan(8_000);
  for (const look of looks) expect(look).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

it("The object's own refusal is as short, and gives no count if it lists all holders.", async () => {
  const id = freshId();
  await readers(id, 10);
  const few = await stubOf(id).acquire(60_000);
  expect(few).not.toHaveProperty("moreHolders");
  expect(few).toMatchObject({ success: false, reason: "BORROWED", holders: { length: 10 } });
  await readers(id, 1);
  expect(await stubOf(id).acquire(60_000)).toMatchObject({ holders: { length: 10 }, moreHolders: 1 });
});

it("A waiter between long polls learns its place and three holders; a waiter that timed out learns ten.", async () => {
  const id = freshId();
  await readers(id, 12);
  const first = write(id, { wait: 60_000, requestId: "first" });
  await untilWaiting(id, 1);
  const second = (await write(id, { wait: 60_000, longPoll: 1, requestId: "second" })).body;
  expect(second).toMatchObject({ waiting: 2, place: 2, holders: { length: 3 }, moreHolders: 9 });
  await send(at(id, "cancel"), { body: { requestId: "first" } });
  await first;
  expect((await write(id, { wait: 60_000, longPoll: 1, requestId: "second" })).body).toMatchObject({ place: 1 });
  const { body } = await write(id, { wait: 1, requestId: "second" });
  expect(body).toMatchObject({ holders: { length: 10 }, moreHolders: 2 });
  expect([body["waiting"], body["place"]]).toEqual([undefined, undefined]);
});

it("A token without read access learns its place, and neither the holders nor their number.", async () => {
  const id = freshId();
  await readers(id, 12);
  const { body } = await write(id, { wait: 60_000, longPoll: 1 }, TOKENS.locker);
  expect(body).toMatchObject({ reason: "BORROWED", waiting: 1, place: 1 });
  for (const field of ["holders", "moreHolders", "retryAfter"]) expect(body).not.toHaveProperty(field);
});

it("The size of a refused conversion does not grow with the number of holders.", async () => {
  const id = freshId();
  const [lease] = await readers(id, 200);
  const { status, body } = await ask(at(id, "convert"), { body: { lease } });
  expect([status, body.reason]).toEqual([409, "BORROWED"]);
  expect(JSON.stringify(body).length).toBeLessThan(1_000);
});

it("A watcher of the newest holder gets only that holder, however many hold the lock and wait.", async () => {
  const id = freshId();
  const leases = await readers(id, 200);
  const writer = write(id, { wait: 60_000, requestId: "writer" });
  await untilWaiting(id, 1);
  const newest = { locked: true, holders: [{ lease: leases.at(-1) }], waiters: [] };
  const { body } = await ask(`${at(id)}?known=0&wait=25000&newest=true`);
  expect(body).toMatchObject(newest);
  const watched = (options?: object) => stubOf(id).watch(0, 25_000, options);
  expect(await watched({ newest: true })).toMatchObject(newest);
  expect(await watched()).toMatchObject({ holders: { length: 200 }, waiters: { length: 1 } });
  expect(await watched({ newest: 1 })).toMatchObject({ reason: "INVALID_ARGUMENT", argument: "newest" });
  await send(at(id, "cancel"), { body: { requestId: "writer" } });
  await writer;
});

it.each([
  ["over RPC", (id: string) => lockOf(id)],
  ["over HTTP", (id: string) => connectOver().lock(id)],
])("An observer gets only the newest holder, %s.", async (_way, connect) => {
  const id = freshId();
  const watch = vi.spyOn(DurableLock.prototype, "watch");
  const observer = observe(connect(id));
  expect((await observer.next()).value).toBeUndefined();
  const next = observer.next();
  await vi.waitFor(() => expect(watch).toHaveBeenCalled(), { timeout: 10_000, interval: 5 });
  const [lease] = await readers(id, 1);
  expect((await next).value).toMatchObject({ term: lease });
  expect(watch.mock.calls).toEqual([[0, 25_000, { newest: true }]]);
  expect(await watch.mock.results[0]?.value).toMatchObject({ holders: [{ lease }], waiters: [] });
  await observer.return();
  vi.restoreAllMocks();
});
