import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { crash, freshId, leaseOf, stubOf, untilWaiting } from "../../support/locks.ts";
import { ask, at, send, serviceWith } from "./calls.ts";
import { OPERATIONS, type Operation, documented, pathOn } from "./operations.ts";

const ONE = "the-token-of-the-holder";
const OTHER = "the-token-of-another-one";
const ADMIN = "the-token-of-an-admin-too";
const BLIND = "the-token-of-one-who-may-not-look";
const SECRET = [
  { name: "one", token: ONE },
  { name: "other", token: OTHER },
  { name: "admin", token: ADMIN, actions: ["read", "lock", "admin"] },
  { name: "blind", token: BLIND, actions: ["lock"] },
];
const to = serviceWith({ tokens: JSON.stringify(SECRET), legacy: true, index: env.LOCK_INDEX });

let operations: Operation[];

beforeAll(async () => {
  operations = await documented();
});

afterEach(() => {
  vi.restoreAllMocks();
});

const post = (id: string, name: string, token: string, body: object) => ask(at(id, name), { to, token, body });

/** A lock that the token "one" holds, and for which another request of the same token waits. */
async function lockOfOne() {
  const id = freshId();
  const { body } = await post(id, "acquire", ONE, { ttl: 60_000, owner: "holder", requestId: "held" });
  const wait = { ttl: 60_000, wait: 20_000, owner: "waiter", requestId: "waits" };
  const waiting = post(id, "acquire", ONE, wait);
  await untilWaiting(id, 1);
  return { id, lease: body.lease, waiting };
}

/** The holders and the waiters, without the fields that change over time. */
async function snapshot(id: string) {
  const { holders, waiters } = await stubOf(id).status();
  return { holders, waiters: waiters.map(({ owner }) => owner) };
}

/** What a second token sends to each route to get at the lease or the request of the first. */
function attackBody(name: string, lease: number): object | undefined {
  const body = OPERATIONS[name]?.body;
  if (!body) return undefined;
  return { ...body, ...("lease" in body && { lease }), ...("requestId" in body && { requestId: "waits" }) };
}

const BELONGING = new Set(["renew", "convert", "release", "cancel"]);

describe("A second token", () => {
  it("A second token changes nothing of the first token's leases and requests, and gets 403 where it would.", async () => {
    for (const operation of operations.filter(({ name }) => name !== "request-release")) {
      const { id, lease, waiting } = await lockOfOne();
      const before = await snapshot(id);
      const body = attackBody(operation.name, lease);
      const sent = { to, token: OTHER, method: operation.method, ...(body && { body }) };
      const response = await send(pathOn(id, operation), sent);
      if (BELONGING.has(operation.name))
        expect([operation.name, response.status, (await response.json<{ reason: string }>()).reason]).toEqual([
          operation.name,
          403,
          "OTHER_TOKEN",
        ]);
      else await response.body?.cancel();
      expect([operation.name, await snapshot(id)]).toEqual([operation.name, before]);
      await post(id, "release", ONE, { lease });
      expect([operation.name, (await waiting).status]).toEqual([operation.name, 200]);
    }
  });

  it("A second token may request a release, which leaves the decision to the holder.", async () => {
    const { id, lease } = await lockOfOne();
    expect((await post(id, "request-release", OTHER, {})).status).toBe(200);
    expect((await snapshot(id)).holders).toMatchObject([{ lease, releaseRequested: true }]);
  });

  it("A second token changes nothing over the plain paths either.", async () => {
    const { id, lease } = await lockOfOne();
    const before = await snapshot(id);
    for (const path of [`/acquire/${id}?ttl=1000&lease=${lease}`, `/release/${id}?lease=${lease}`]) {
      const { status, body } = await ask(path, { to, token: OTHER });
      expect([path, status, body.reason]).toEqual([path, 403, "OTHER_TOKEN"]);
    }
    const repeated = await ask(`/acquire/${id}?ttl=1000&requestId=held`, { to, token: OTHER });
    expect(repeated.body).toMatchObject({ success: false, reason: "BORROWED" });
    expect(await snapshot(id)).toEqual(before);
    expect((await ask(`/release/${id}?lease=${lease}`, { to, token: ONE })).body).toBe(true);
  });

  it("A second token can't pretend to be another caller over the plain paths.", async () => {
    const { id, lease } = await lockOfOne();
    const { status, body } = await ask(`/release/${id}?lease=${lease}&caller=one`, { to, token: OTHER });
    expect([status, body["argument"]]).toEqual([400, "caller"]);
    for (const [name, more] of [["release", { lease }] as const, ["cancel", { requestId: "held" }] as const]) {
      const given = { ...more, caller: { tokenName: "one", isAdmin: true } };
      expect((await post(id, name, OTHER, given)).body["argument"]).toBe("caller");
    }
  });

  it("A second token can't store a job's result under the first token's lease.", async () => {
    const id = freshId();
    const { body } = await post(id, "acquire", ONE, { ttl: 60_000, once: "" });
    const result = { value: "forged", retain: 60_000 };
    expect((await post(id, "release", OTHER, { lease: body.lease, result })).status).toBe(403);
    await post(id, "release", ONE, { lease: body.lease, result: { value: "true", retain: 60_000 } });
    const recorded = await post(id, "acquire", OTHER, { ttl: 60_000, once: "" });
    expect(recorded.body).toMatchObject({ recorded: { value: "true" } });
  });

  it("G5: A second token with the same request id has its own request, also across a restart of the object.", async () => {
    const id = freshId();
    const shared = { ttl: 60_000, permits: 1, capacity: 9, requestId: "same" };
    const lease = async (token: string) => (await post(id, "acquire", token, shared)).body.lease;
    const leases = [await lease(ONE), await lease(OTHER), await leaseOf(stubOf(id).acquire(60_000, sameOverRpc))];
    expect(new Set(leases).size).toBe(3);
    await crash(id);
    expect([await lease(ONE), await lease(OTHER)]).toEqual(leases.slice(0, 2));
    await post(id, "release", ONE, { lease: leases[0] });
    await crash(id);
    expect((await post(id, "acquire", ONE, shared)).status).toBe(410);
    expect(await lease(OTHER)).toBe(leases[1]);
  });

  it("G5: A second token with the same request id does not end the first token's wait.", async () => {
    const { id, lease, waiting } = await lockOfOne();
    const asked = await post(id, "acquire", OTHER, { ttl: 60_000, requestId: "waits" });
    expect(asked.status).toBe(409);
    expect((await snapshot(id)).waiters).toEqual(["waiter"]);
    await post(id, "release", ONE, { lease });
    expect((await waiting).status).toBe(200);
  });
});

const sameOverRpc = { permits: 1, capacity: 9, requestId: "same" };

describe("A token with the action admin", () => {
  it("An admin token renews, converts and ends what belongs to another token, over the plain paths too.", async () => {
    const { id, lease, waiting } = await lockOfOne();
    expect((await post(id, "renew", ADMIN, { lease, ttl: 80_000 })).body["validFor"]).toBe(80_000);
    expect((await post(id, "convert", ADMIN, { lease })).status).toBe(200);
    expect((await ask(`/acquire/${id}?ttl=70000&lease=${lease}`, { to, token: ADMIN })).body).toMatchObject({ lease });
    expect((await post(id, "cancel", ADMIN, { requestId: "waits" })).body).toEqual({ cancelled: true });
    expect((await waiting).status).toBe(410);
    expect((await post(id, "release", ADMIN, { lease })).body).toEqual({ released: true });
  });

  it("G5: An admin's repeated renewal or release of another token's lease has no second effect, also across a restart.", async () => {
    const id = freshId();
    const { body } = await post(id, "acquire", ONE, { ttl: 60_000 });
    const { lease } = body;
    const renew = { lease, ttl: 80_000, requestId: "same" };
    const deadline = async () => (await stubOf(id).status()).holders[0]?.deadline;
    await post(id, "renew", ADMIN, renew);
    const first = await deadline();
    await crash(id);
    await post(id, "renew", ADMIN, { ...renew, ttl: 1_000 });
    expect(await deadline()).toBe(first);
    await post(id, "renew", ONE, { ...renew, ttl: 70_000 });
    expect(await deadline()).not.toBe(first);
    await post(id, "release", ADMIN, { lease, requestId: "end" });
    await crash(id);
    expect((await post(id, "release", ADMIN, { lease, requestId: "end" })).status).toBe(200);
    expect((await post(id, "release", ONE, { lease, requestId: "end" })).status).toBe(410);
  });
});

describe("A lease taken over RPC", () => {
  it("Over HTTP, only an admin can renew, convert and end a lease that was taken over RPC.", async () => {
    const id = freshId();
    const lease = await leaseOf(stubOf(id).acquire(60_000, { requestId: "held" }));
    const before = await snapshot(id);
    for (const [name, body] of Object.entries({ renew: { lease, ttl: 1_000 }, convert: { lease }, release: { lease } }))
      expect([name, (await post(id, name, ONE, body)).body.reason]).toEqual([name, "OTHER_TOKEN"]);
    expect((await post(id, "cancel", ONE, { requestId: "held" })).body.reason).toBe("OTHER_TOKEN");
    expect(await snapshot(id)).toEqual(before);
    expect((await post(id, "renew", ADMIN, { lease, ttl: 60_000 })).status).toBe(200);
    expect((await post(id, "cancel", ADMIN, { requestId: "held" })).status).toBe(200);
    expect((await snapshot(id)).holders).toEqual([]);
  });
});

describe("Token rotation", () => {
  it("A lease and a wait live through the change from one token of a name to another.", async () => {
    const id = freshId();
    const serviceOf = (...entries: { name: string; token: string }[]) =>
      serviceWith({ tokens: JSON.stringify(entries) });
    const [old, fresh] = [
      { name: "ci", token: ONE },
      { name: "ci", token: OTHER },
    ];
    const call = (service: typeof to, token: string, name: string, body: object) =>
      ask(at(id, name), { to: service, token, body });
    const before = serviceOf(old);
    const { lease } = (await call(before, ONE, "acquire", { ttl: 60_000, requestId: "held" })).body;
    const queued = { ttl: 60_000, wait: 20_000, requestId: "waits" };
    const waiting = call(before, ONE, "acquire", queued);
    await untilWaiting(id, 1);
    const both = serviceOf(old, fresh);
    for (const token of [ONE, OTHER])
      expect((await call(both, token, "renew", { lease, ttl: 60_000 })).status).toBe(200);
    const after = serviceOf(fresh);
    expect((await call(after, ONE, "renew", { lease, ttl: 60_000 })).status).toBe(401);
    const found = await call(after, OTHER, "acquire", { ttl: 60_000, requestId: "held" });
    expect(found.body.lease).toBe(lease);
    expect((await call(after, OTHER, "release", { lease })).body).toEqual({ released: true });
    const granted = (await waiting).body.lease;
    expect((await call(after, OTHER, "acquire", queued)).body.lease).toBe(granted);
    expect((await call(after, OTHER, "cancel", { requestId: "waits" })).body).toEqual({ cancelled: true });
    expect((await snapshot(id)).holders).toEqual([]);
  });
});

describe("A token without read access", () => {
  it("A token without read access learns the holders and their times from no 409, so it can't infer the lease number.", async () => {
    const { id } = await lockOfOne();
    const shared = (await post(freshId(), "acquire", BLIND, { ttl: 60_000, permits: 1, capacity: 2 })).body.lease;
    expect(shared).toEqual(expect.any(Number));
    const refused = await send(at(id, "acquire"), { to, token: BLIND, body: { ttl: 1_000 } });
    expect([refused.status, refused.headers.has("Retry-After")]).toEqual([409, false]);
    const keys = ["detail", "reason", "status", "title", "type"];
    expect(Object.keys(await refused.json()).toSorted()).toEqual(keys);
    const waited = await post(id, "acquire", BLIND, { ttl: 1_000, wait: 1 });
    expect([waited.status, Object.keys(waited.body).toSorted()]).toEqual([409, keys]);
    const plain = await ask(`/acquire/${id}?ttl=1000`, { to, token: BLIND });
    expect(plain.body).toEqual({ success: false, reason: "BORROWED" });
  });

  it("A token without read access learns nothing more from a conversion that finds no room.", async () => {
    const id = freshId();
    const { lease } = (await post(id, "acquire", BLIND, { ttl: 60_000, permits: 1, capacity: 2 })).body;
    await post(id, "acquire", ONE, { ttl: 60_000, permits: 1, capacity: 2 });
    const { status, body } = await post(id, "convert", BLIND, { lease });
    expect([status, Object.keys(body).toSorted()]).toEqual([409, ["detail", "reason", "status", "title", "type"]]);
  });

  it("A token with read access learns from a 409 who holds the lock and when to come back.", async () => {
    const { id } = await lockOfOne();
    const { body } = await post(id, "acquire", OTHER, { ttl: 1_000 });
    expect(body).toMatchObject({ holders: [{ owner: "holder" }], retryAfter: expect.any(Number) });
    const plain = await ask(`/acquire/${id}?ttl=1000`, { to, token: OTHER });
    expect(plain.body).toMatchObject({ reason: "BORROWED", retryAfter: expect.any(Number) });
  });
});

describe("The share of a token", () => {
  it.each([
    ["QUEUE_FULL", "5000 waiting requests"],
    ["TOO_MANY_LEASES", "5000 live leases"],
  ])("%s says that the token's share is used up.", async (reason, words) => {
    const refuse = async () => ({ success: false, reason, share: true });
    const namespace = { getByName: () => ({ acquire: refuse }), idFromName: (name: string) => name };
    const full = serviceWith({ lock: namespace as never });
    const { status, body } = await ask(at(freshId(), "acquire"), { to: full, body: { ttl: 1_000 } });
    expect([status, body.reason, body["share"]]).toEqual([503, reason, true]);
    expect(body["detail"]).toMatch(new RegExp(`This token has used up its share .*${words}`));
  });
});

describe("The log", () => {
  function logged() {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    return () => log.mock.calls.map(([line]) => JSON.parse(line as string) as Record<string, unknown>);
  }
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

  it("The log has a JSON line with token name, lock and time for each forced release and each steal.", async () => {
    const { id, lease } = await lockOfOne();
    const events = logged();
    const stolen = (await post(id, "acquire", ADMIN, { ttl: 60_000, steal: true })).body.lease;
    const forced = (await post(id, "force-release", ADMIN, {})).body.lease;
    expect(stolen).toBeGreaterThan(lease);
    expect(events()).toEqual([
      { event: "steal", tokenName: "admin", lock: id, lease: stolen, time },
      { event: "forced-release", tokenName: "admin", lock: id, lease: forced, time },
    ]);
  });

  it("The log has a line for each refused token, with its name and the lock, and none for a visit without a token.", async () => {
    const { id, lease } = await lockOfOne();
    const events = logged();
    const wrong = "a-token-that-nobody-has";
    await post(id, "renew", wrong, { lease, ttl: 1_000 });
    await post(id, "force-release", ONE, {});
    await post(id, "release", OTHER, { lease });
    await ask(`/isLocked/${id}`, { to, token: BLIND });
    await ask("/v1/locks", { to, token: wrong });
    await ask(at(id), { to, token: "" });
    await post(id, "acquire", OTHER, { ttl: 1_000 });
    const refused = { event: "token-refused", lock: id, time };
    expect(events()).toEqual([
      { ...refused, tokenName: null, reason: "UNAUTHORIZED" },
      { ...refused, tokenName: "one", reason: "FORBIDDEN" },
      { ...refused, tokenName: "other", reason: "OTHER_TOKEN" },
      { ...refused, tokenName: "blind", reason: "FORBIDDEN" },
      { ...refused, tokenName: null, lock: null, reason: "UNAUTHORIZED" },
    ]);
  });
});
