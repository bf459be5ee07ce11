import { runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { freshId, stubOf, untilWaiting, waiters } from "../../support/locks.ts";
import { ask, at, send } from "./calls.ts";

const acquire = (id: string, body: object) => ask(at(id, "acquire"), { body: { ttl: 60_000, ...body } });

it("G4: Waiters are granted in the order of arrival, each with its own fencing token.", async () => {
  const id = freshId();
  const { body } = await acquire(id, {});
  const granted: string[] = [];
  const all = ["a", "b", "c"].map(async (owner, index) => {
    if (index > 0) await untilWaiting(id, index);
    const grant = await acquire(id, { owner, wait: 20_000 });
    granted.push(owner);
    await send(at(id, "release"), { body: { lease: grant.body.lease } });
    return Number(grant.headers.get("Fencing-Token"));
  });
  await untilWaiting(id, 3);
  await send(at(id, "release"), { body: { lease: body.lease } });
  const tokens = await Promise.all(all);
  expect(granted).toEqual(["a", "b", "c"]);
  expect([body.lease, ...tokens]).toEqual([body.lease, ...tokens].toSorted((one, other) => one - other));
});

it("A waiter whose wait has ended gets 409 and has left the queue.", async () => {
  const id = freshId();
  await acquire(id, { owner: "one" });
  const { status, body } = await acquire(id, { wait: 20 });
  expect([status, body["holders"]]).toMatchObject([409, [{ owner: "one" }]]);
  expect(await waiters(id)).toEqual([]);
});

it("G6: A request whose client is gone leaves the queue at once.", async () => {
  const id = freshId();
  await stubOf(id).acquire(60_000);
  expect(await (await exports.default.fetch(`http://worker/ask?id=${id}`)).text()).toBe("gone");
  await vi.waitFor(async () => expect(await waiters(id)).toEqual([]), { timeout: 10_000, interval: 5 });
});

it("A request is parked for one long poll at most, and keeps its place if it comes back with its requestId.", async () => {
  const id = freshId();
  const stub = stubOf(id);
  await stub.acquire(86_400_000, { owner: "one" });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  try {
    const advance = (ms: number) => runInDurableObject(stub, () => vi.advanceTimersByTimeAsync(ms).then(() => {}));
    const asking = (owner: string, waited: number) =>
      acquire(id, { owner, requestId: owner, wait: "unlimited", waited });
    const first = asking("a", 0);
    await untilQueued(id, ["a"]);
    const second = asking("b", 0);
    await untilQueued(id, ["a", "b"]);
    await advance(25_000);
    for (const [index, { status, body }] of [await first, await second].entries())
      expect([status, body]).toMatchObject([
        409,
        { reason: "BORROWED", waiting: 2, place: index + 1, holders: [{ owner: "one" }] },
      ]);
    const back = asking("b", 25_000);
    await untilQueued(id, ["a", "b"]);
    // A waiter that does not come back within 2 s loses its place.
    await advance(2_000);
    expect(await waiters(id)).toEqual(["b"]);
    await send(at(id, "cancel"), { body: { requestId: "b" } });
    expect((await back).status).toBe(410);
  } finally {
    vi.useRealTimers();
  }
});

async function untilQueued(id: string, owners: string[]): Promise<void> {
  while ((await waiters(id)).join() !== owners.join());
}
