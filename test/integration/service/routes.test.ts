import { expect, it, vi } from "vitest";
import { freshId, holders, lockOf, stubOf } from "../../support/locks.ts";
import { TOKENS, ask, at, send, serviceWith } from "./calls.ts";

async function grant(id: string, body: object = {}): Promise<number> {
  const answer = await ask(at(id, "acquire"), { body: { ttl: 60_000, ...body } });
  expect(answer.status).toBe(200);
  return answer.body.lease;
}

it("A grant gives the lease, how long it is valid, and its fencing token in a header.", async () => {
  const id = freshId();
  const { status, headers, body } = await ask(at(id, "acquire"), { body: { ttl: 60_000, owner: "one" } });
  expect(status).toBe(200);
  expect(Object.keys(body).toSorted()).toEqual(["deadline", "lease", "validFor"]);
  expect(headers.get("Fencing-Token")).toBe(String(body.lease));
  expect(body["validFor"]).toBe(60_000);
  expect(await stubOf(id).status()).toMatchObject({ holders: [{ lease: body.lease, owner: "one" }] });
});

it("G1: A second caller gets 409, with the holder and the time to come back.", async () => {
  const id = freshId();
  await grant(id, { owner: "one" });
  const { status, headers, body } = await ask(at(id, "acquire"), { body: { ttl: 1_000 } });
  expect([status, body.reason, headers.get("Content-Type")]).toEqual([409, "BORROWED", "application/problem+json"]);
  expect(body).toMatchObject({
    type: "urn:durable-locks:BORROWED",
    status: 409,
    holders: [{ owner: "one", since: expect.any(Number), deadline: expect.any(Number) }],
  });
  expect(Number(headers.get("Retry-After"))).toBe(Math.ceil(Number(body["retryAfter"]) / 1_000));
  expect(headers.has("Fencing-Token")).toBe(false);
});

it("G3: Fencing tokens grow from grant to grant, also across a forced release.", async () => {
  const id = freshId();
  const first = await grant(id);
  const forced = await ask(at(id, "force-release"), { body: {} });
  expect(forced.status).toBe(200);
  const second = await grant(id);
  expect(first < forced.body.lease && forced.body.lease < second).toBe(true);
});

it("A live lease is renewed, and a lease that has ended gets 410 with how it ended.", async () => {
  const id = freshId();
  const lease = await grant(id);
  const renewed = await ask(at(id, "renew"), { body: { lease, ttl: 80_000 } });
  expect([renewed.status, renewed.body.lease, renewed.headers.get("Fencing-Token")]).toEqual([
    200,
    lease,
    String(lease),
  ]);
  expect((await ask(at(id, "release"), { body: { lease } })).body).toEqual({ released: true });
  for (const [name, more] of [
    ["renew", { ttl: 1_000 }],
    ["convert", {}],
    ["release", {}],
  ] as const) {
    const { status, body } = await ask(at(id, name), { body: { lease, ...more } });
    expect([name, status, body.reason, body["ended"]]).toEqual([name, 410, "NO_LONGER_VALID", "released"]);
  }
  await grant(id);
});

it("Permits are taken out of a capacity, converted, and shown unchanged, also without a limit.", async () => {
  const id = freshId();
  const lease = await grant(id, { permits: 2, capacity: 3 });
  expect((await ask(at(id, "acquire"), { body: { ttl: 1_000, permits: 2, capacity: 3 } })).status).toBe(409);
  const converted = await ask(at(id, "convert"), { body: { lease, permits: 1, capacity: "unlimited" } });
  expect(converted.status).toBe(200);
  await grant(id, { permits: 5, capacity: "unlimited" });
  const { body } = await ask(at(id));
  expect(body["holders"]).toMatchObject([
    { lease, exclusive: false, permits: 1, capacity: "unlimited" },
    { permits: 5, capacity: "unlimited" },
  ]);
});

it("The status of a lock shows its id, its holders, its queue, and the clock to compare them with.", async () => {
  const id = freshId();
  expect((await ask(at(id))).body).toEqual({ id, locked: false, holders: [], waiters: [], now: expect.any(Number) });
  const lease = await grant(id, { owner: "one", requestId: "not to be told" });
  const waiting = ask(at(id, "acquire"), { body: { ttl: 1_000, wait: 20_000, owner: "two", requestId: "nor this" } });
  await vi.waitFor(async () => expect((await ask(at(id))).body["waiters"]).toHaveLength(1));
  const { body } = await ask(at(id));
  expect(body).toMatchObject({
    locked: true,
    holders: [{ lease, owner: "one", exclusive: true, permits: 1, capacity: 1 }],
  });
  expect(body["waiters"]).toMatchObject([{ owner: "two", waited: expect.any(Number) }]);
  await send(at(id, "release"), { body: { lease } });
  expect((await waiting).status).toBe(200);
});

it("A watcher gets an answer once the newest lease is not the one that it knows.", async () => {
  const id = freshId();
  const lease = await grant(id);
  const told = ask(`${at(id)}?known=${lease}&wait=20000`);
  await send(at(id, "release"), { body: { lease } });
  expect((await told).body).toMatchObject({ locked: false });
  expect((await ask(`${at(id)}?known=0&wait=1`)).body).toMatchObject({ locked: false });
});

it("A holder learns about a request to release with its next renewal.", async () => {
  const id = freshId();
  const lease = await grant(id);
  expect((await ask(at(id, "request-release"), { body: {} })).body).toEqual({ requested: true });
  const { body } = await ask(at(id, "renew"), { body: { lease, ttl: 60_000 } });
  expect(body["releaseRequested"]).toBe(true);
});

it("A forced release ends every lease, and its number fences them off.", async () => {
  const id = freshId();
  const lease = await grant(id);
  const forced = await ask(at(id, "force-release"), { body: { requestId: "r" } });
  expect(forced.body.lease).toBeGreaterThan(lease);
  expect((await ask(at(id, "renew"), { body: { lease, ttl: 1_000 } })).body).toMatchObject({ ended: "superseded" });
  await grant(id);
  expect((await ask(at(id, "force-release"), { body: { requestId: "r" } })).body).toEqual(forced.body);
  expect(await holders(id)).toBe(1);
});

it("After a steal, the thief is the only holder.", async () => {
  const id = freshId();
  const lease = await grant(id);
  const stolen = await grant(id, { steal: true });
  expect(await stubOf(id).status()).toMatchObject({ holders: [{ lease: stolen }] });
  expect((await ask(at(id, "release"), { body: { lease } })).status).toBe(410);
});

it("G7: A request that is repeated with its id has no second effect.", async () => {
  const id = freshId();
  const acquire = { body: { ttl: 60_000, requestId: "acquire" } };
  const first = await ask(at(id, "acquire"), acquire);
  expect((await ask(at(id, "acquire"), acquire)).body.lease).toBe(first.body.lease);
  const { lease } = first.body;
  for (const [name, body] of [
    ["renew", { lease, ttl: 70_000, requestId: "renew" }],
    ["convert", { lease, requestId: "convert" }],
    ["request-release", { requestId: "ask" }],
    ["release", { lease, requestId: "release" }],
  ] as const) {
    const once = await ask(at(id, name), { body });
    const again = await ask(at(id, name), { body });
    expect([name, once.status, again.status]).toEqual([name, 200, 200]);
  }
  expect(await holders(id)).toBe(0);
});

it("G5: A different request under an id in use is refused, naming requestId, and the lease goes on.", async () => {
  const id = freshId();
  const lease = await grant(id, { permits: 1, capacity: 2, requestId: "same" });
  for (const more of [{}, { wait: 5_000 }, { permits: 2, capacity: 2 }]) {
    const { status, body } = await ask(at(id, "acquire"), { body: { ttl: 60_000, requestId: "same", ...more } });
    expect([status, body.reason, body["argument"]]).toEqual([400, "INVALID_ARGUMENT", "requestId"]);
  }
  expect(await stubOf(id).status()).toMatchObject({ holders: [{ lease, exclusive: false }], waiters: [] });
});

it("A request that was cancelled is never granted.", async () => {
  const id = freshId();
  await grant(id);
  const waiting = ask(at(id, "acquire"), { body: { ttl: 60_000, wait: 20_000, requestId: "r" } });
  await vi.waitFor(async () => expect((await stubOf(id).status()).waiters).toHaveLength(1));
  expect((await ask(at(id, "cancel"), { body: { requestId: "r" } })).body).toEqual({ cancelled: true });
  expect((await waiting).status).toBe(410);
  expect((await ask(at(id, "acquire"), { body: { ttl: 60_000, requestId: "r" } })).status).toBe(410);
});

it.each<[string, string, object | string, string]>([
  ["acquire", "no ttl", {}, "ttl"],
  ["acquire", "a ttl of 0", { ttl: 0 }, "ttl"],
  ["acquire", "a ttl over a day", { ttl: 86_400_001 }, "ttl"],
  ["acquire", "a ttl that is text", { ttl: "1000" }, "ttl"],
  ["acquire", "a ttl with a fraction", { ttl: 1.5 }, "ttl"],
  ["acquire", "a ttl that overflows", '{"ttl":1e999}', "ttl"],
  ["acquire", "an unknown option", { ttl: 1, wiat: 1 }, "wiat"],
  ["acquire", "__proto__", '{"ttl":1,"__proto__":{"steal":true}}', "__proto__"],
  ["acquire", "a wait that is another word", { ttl: 1, wait: "forever" }, "wait"],
  ["acquire", "an empty owner", { ttl: 1, owner: "" }, "owner"],
  ["acquire", "an owner of 513 bytes", { ttl: 1, owner: "é".repeat(257) }, "owner"],
  ["acquire", "an owner with a lone surrogate", String.raw`{"ttl":1,"owner":"\ud800"}`, "owner"],
  ["acquire", "an owner that is null", { ttl: 1, owner: null }, "owner"],
  ["acquire", "more permits than there are", { ttl: 1, permits: 2, capacity: 1 }, "permits"],
  ["acquire", "permits without capacity", { ttl: 1, permits: 1 }, "capacity"],
  ["acquire", "steal with permits", { ttl: 1, steal: true, permits: 1, capacity: 1 }, "steal"],
  ["acquire", "once with permits", { ttl: 1, once: "", permits: 1, capacity: 1 }, "once"],
  ["acquire", "a list", [], "body"],
  ["acquire", "null", "null", "body"],
  ["acquire", "nothing", "", "body"],
  ["acquire", "text that is not JSON", "{ttl:1}", "body"],
  ["renew", "no lease", { ttl: 1 }, "lease"],
  ["renew", "a lease of 0", { lease: 0, ttl: 1 }, "lease"],
  ["renew", "a lease beyond the safe integers", { lease: 2 ** 53, ttl: 1 }, "lease"],
  ["convert", "a requestId of 513 bytes", { lease: 1, requestId: "é".repeat(257) }, "requestId"],
  ["release", "a result without retain", { lease: 1, result: {} }, "result.retain"],
  ["release", "a result with another field", { lease: 1, result: { retain: 1, error: 1 } }, "error"],
  ["cancel", "no requestId", {}, "requestId"],
  ["cancel", "a requestId of 513 bytes", { requestId: "é".repeat(257) }, "requestId"],
  ["request-release", "a requestId of 513 bytes", { requestId: "é".repeat(257) }, "requestId"],
  ["force-release", "a requestId of 513 bytes", { requestId: "é".repeat(257) }, "requestId"],
])("G9: %s refuses %s, names the argument and leaves the lock as it was.", async (name, _what, body, argument) => {
  const id = freshId();
  await grant(id);
  const before = await stubOf(id).status();
  const answer = await ask(at(id, name), { body });
  expect([answer.status, answer.body.reason, answer.body["argument"]]).toEqual([400, "INVALID_ARGUMENT", argument]);
  expect(await stubOf(id).status()).toEqual(before);
});

it.each(["known=-1", "known=x", "known=1&known=2", "known=1&wait=1.5", "knwon=1", "known=99999999999999999", "known="])(
  "G9: The status refuses ?%s.",
  async (query) => {
    expect((await ask(`${at(freshId())}?${query}`)).status).toBe(400);
  },
);

it("Another method gets 405 with the allowed method, on each path.", async () => {
  const id = freshId();
  for (const [path, method, allowed] of [
    [at(id, "acquire"), "GET", "POST"],
    [at(id, "release"), "DELETE", "POST"],
    [at(id), "POST", "GET"],
    [at(id), "OPTIONS", "GET"],
    [at(id, "events"), "POST", "GET"],
    ["/openapi.json", "POST", "GET"],
  ] as const) {
    const { status, headers, body } = await ask(path, { method, ...(method === "POST" && { body: {} }) });
    expect([path, status, headers.get("Allow"), body.reason]).toEqual([path, 405, allowed, "METHOD_NOT_ALLOWED"]);
  }
});

it("An outage is a 503 with the time to come back, and never contention.", async () => {
  const overloaded = () => Promise.reject(Object.assign(new Error("overloaded"), { overloaded: true }));
  const namespace = { getByName: () => ({ acquire: overloaded }), idFromName: (name: string) => name };
  const { status, headers, body } = await ask(at(freshId(), "acquire"), {
    to: serviceWith({ lock: namespace as never }),
    body: { ttl: 1_000 },
  });
  expect([status, headers.get("Retry-After"), body.reason]).toEqual([503, "1", "UNREACHABLE"]);
});

it.each([
  ["QUEUE_FULL", 503],
  ["TOO_MANY_LEASES", 503],
] as const)("%s is a %i with the time to come back.", async (reason, expected) => {
  const refuse = async () => ({ success: false, reason });
  const namespace = { getByName: () => ({ acquire: refuse }), idFromName: (name: string) => name };
  const { status, headers, body } = await ask(at(freshId(), "acquire"), {
    to: serviceWith({ lock: namespace as never }),
    body: { ttl: 1_000 },
  });
  expect([status, headers.get("Retry-After"), body.reason]).toEqual([expected, "1", reason]);
});

it("A lock is the same lock over HTTP and in a Worker.", async () => {
  const id = freshId("with spaces/and slashes é");
  await grant(id);
  expect(await lockOf(id).isLocked()).toBe(true);
  expect((await ask(at(id))).body).toMatchObject({ id });
});

it("The plain paths answer as the first library did.", async () => {
  const to = serviceWith({ legacy: true });
  const id = freshId();
  const granted = await ask(`/acquire/${id}?ttl=60000`, { to, token: TOKENS.locker });
  expect([granted.status, granted.body]).toMatchObject([200, { success: true, lease: expect.any(Number) }]);
  expect((await ask(`/acquire/${id}?ttl=60000`, { to })).body).toMatchObject({ success: false, reason: "BORROWED" });
  const renewed = await ask(`/acquire/${id}?ttl=60000&lease=${granted.body.lease}`, { to });
  expect(renewed.body).toMatchObject({ success: true, lease: granted.body.lease });
  expect((await ask(`/isLocked/${id}`, { to })).body).toBe(true);
  expect((await ask(`/release/${id}?lease=${granted.body.lease}`, { to })).body).toBe(true);
  expect((await ask(`/isLocked/${id}`, { to })).body).toBe(false);
  expect((await ask(`/acquire/${id}?ttl=0`, { to })).status).toBe(400);
  expect((await ask(`/acquire/${id}?ttl=1000`, { to, method: "POST", body: {} })).status).toBe(405);
});

it("G7: A plain acquire whose reply is lost is repeated, and does not block itself.", async () => {
  const id = freshId();
  let lost = false;
  const getByName = (name: string) => {
    const stub = stubOf(name);
    const acquire = async (...args: Parameters<typeof stub.acquire>) => {
      const answer = await stub.acquire(...args);
      if (lost) return answer;
      lost = true;
      throw Object.assign(new Error("Network connection lost."), { retryable: true });
    };
    return { acquire };
  };
  const to = serviceWith({ legacy: true, lock: { getByName, idFromName: (name: string) => name } as never });
  expect((await ask(`/acquire/${id}?ttl=60000`, { to })).body).toMatchObject({ success: true });
  expect(lost).toBe(true);
});
