import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { freshId, stubOf, untilWaiting } from "../support/locks.ts";
import { ORIGIN, SECRET, TOKENS, ask, at, send, serviceWith } from "./calls.ts";
import { createLockService } from "../../src/service.ts";

const grant = (id: string, body: object = {}) => ask(at(id, "acquire"), { body: { ttl: 60_000, ...body } });

describe.concurrent("the service", () => {
  it("grants with the lease as Fencing-Token, and tells who holds it with 409 and Retry-After", async () => {
    const id = freshId();
    const granted = await grant(id, { owner: "one" });
    const { lease } = granted.body;
    expect(granted).toMatchObject({ status: 200, body: { lease, validFor: 60_000 } });
    expect(granted.headers.get("Fencing-Token")).toBe(String(lease));
    const refused = await grant(id);
    expect(refused).toMatchObject({ status: 409, body: { reason: "BORROWED", holders: [{ owner: "one" }] } });
    expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
    const seconds = Number(refused.headers.get("Retry-After"));
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(JSON.stringify(refused.body)).not.toContain(String(lease));
  });

  it("G5 grants, renews and releases once, however often a request is repeated", async () => {
    const id = freshId();
    const first = await grant(id, { requestId: "a" });
    const { lease } = first.body;
    expect((await grant(id, { requestId: "a" })).body.lease).toBe(lease);
    const renew = () => ask(at(id, "renew"), { body: { lease, ttl: 90_000, requestId: "b" } });
    expect([await renew(), await renew()]).toMatchObject([{ body: { lease } }, { body: { lease } }]);
    const release = () => ask(at(id, "release"), { body: { lease, requestId: "c" } });
    const released = { status: 200, body: { released: true } };
    expect([await release(), await release()]).toMatchObject([released, released]);
    expect(await grant(id, { requestId: "a" })).toMatchObject({ status: 410, body: { reason: "NO_LONGER_VALID" } });
  });

  it("G3 answers 410 for a lease that has ended, and says how", async () => {
    const id = freshId();
    const { lease } = (await grant(id)).body;
    await send(at(id, "force-release"), { body: {} });
    for (const [name, body] of Object.entries({ renew: { lease, ttl: 1_000 }, release: { lease }, convert: { lease } }))
      expect(await ask(at(id, name), { body })).toMatchObject({ status: 410, body: { ended: "superseded" } });
  });

  it("G4 queues those who wait, and answers the next in line when the lock is free", async () => {
    const id = freshId();
    const { lease } = (await grant(id)).body;
    const waiting = [];
    for (const [index, owner] of ["one", "two"].entries()) {
      waiting.push(grant(id, { owner, wait: 20_000 }));
      await untilWaiting(id, index + 1);
    }
    await send(at(id, "release"), { body: { lease } });
    const next = { lease: (await waiting[0])?.body.lease };
    expect((await ask(at(id))).body).toMatchObject({ holders: [{ owner: "one" }], waiters: [{ owner: "two" }] });
    await send(at(id, "release"), { body: next });
    expect((await waiting[1])?.status).toBe(200);
  });

  it("takes a request back", async () => {
    const id = freshId();
    await grant(id);
    const waiting = grant(id, { wait: 20_000, requestId: "mine" });
    await untilWaiting(id, 1);
    expect((await ask(at(id, "cancel"), { body: { requestId: "mine" } })).body).toEqual({ cancelled: true });
    expect((await waiting).status).toBe(410);
  });

  it("shares permits, without limit too, and converts", async () => {
    const id = freshId();
    const { lease } = (await grant(id, { permits: 1, capacity: "unlimited" })).body;
    await grant(id, { permits: 1, capacity: "unlimited" });
    const { body } = await ask(at(id), { token: TOKENS.reader });
    expect(body["holders"]).toMatchObject([{ capacity: "unlimited", exclusive: false }, {}]);
    expect((await ask(at(id, "convert"), { body: { lease } })).status).toBe(409);
    expect((await ask(at(id, "convert"), { body: { lease, permits: 2, capacity: 5 } })).body.lease).toBe(lease);
  });

  it("waits for a change of hands", async () => {
    const id = freshId();
    const waiting = ask(`${at(id)}?known=0&wait=20000`);
    const { lease } = (await grant(id)).body;
    expect((await waiting).body).toMatchObject({ locked: true, holders: [{ lease }] });
  });

  it("asks to release, and takes the lock from its holder", async () => {
    const id = freshId();
    const { lease } = (await grant(id)).body;
    expect((await ask(at(id, "request-release"), { body: {} })).body).toEqual({ requested: true });
    expect((await ask(at(id, "renew"), { body: { lease, ttl: 1_000 } })).body).toMatchObject({
      releaseRequested: true,
    });
    expect((await ask(at(id, "force-release"), { body: {} })).body.lease).toBeGreaterThan(lease);
    expect((await ask(at(id))).body).toMatchObject({ locked: false });
  });

  it.each([[{ a: [1, null] }], ["text"], [null], [undefined]])(
    "keeps the result %j of a job that runs once",
    async (value) => {
      const id = freshId();
      const { lease } = (await grant(id, { once: "hash" })).body;
      await send(at(id, "release"), { body: { lease, result: { value, retain: 60_000 } } });
      const again = await grant(id, { once: "hash" });
      expect(again).toMatchObject({ status: 200, body: { recorded: { failed: false, lease } } });
      expect((again.body as unknown as { recorded: { value?: unknown } }).recorded.value).toEqual(value);
      expect(again.headers.get("Fencing-Token")).toBeNull();
      expect((await grant(id, { once: "other" })).status).toBe(422);
    },
  );

  it("does not pass for JSON what a Worker recorded and JSON can't say", async () => {
    const id = freshId();
    const granted = await stubOf(id).acquire(60_000, { once: "" });
    if (!granted.success) return;
    await stubOf(id).release(granted.lease, { result: { value: new Date(0), failed: false, retain: 60_000 } });
    expect(await grant(id, { once: "" })).toMatchObject({ status: 422, body: { reason: "RESULT_NOT_CLONEABLE" } });
  });

  it.each<[string, string, object, string]>([
    ["ttl", "acquire", { ttl: 0 }, "ttl must be 1 or more."],
    ["ttl", "acquire", { ttl: 86_400_001 }, "ttl must be 86400000 or less."],
    ["ttl", "acquire", { ttl: "30s" }, "ttl must be of type number."],
    ["ttl", "acquire", { ttl: 1.5 }, "ttl must be a whole number."],
    ["wait", "acquire", { ttl: 1, wait: -1 }, "wait must be 0 or more."],
    ["wait", "acquire", { ttl: 1, wait: "for ever" }, 'wait must be a whole number within its bounds, or "unlimited".'],
    ["owner", "acquire", { ttl: 1, owner: "é".repeat(300) }, "owner must be at most 512 bytes"],
    ["owner", "acquire", { ttl: 1, owner: "" }, "owner must not be empty."],
    ["tll", "acquire", { ttl: 1, tll: 2 }, "tll is not known here"],
    ["capacity", "acquire", { ttl: 1, permits: 2 }, "capacity"],
    ["lease", "renew", { lease: 0, ttl: 1 }, "lease must be 1 or more."],
    ["requestId", "cancel", {}, "requestId must be of type string."],
    ["result.retain", "release", { lease: 1, result: { retain: 0 } }, "result.retain must be 1 or more."],
  ])("G9 refuses a bad %s of %s with 400, names it, and changes nothing", async (argument, name, body, detail) => {
    const id = freshId();
    const refused = await ask(at(id, name), { body });
    expect(refused).toMatchObject({ status: 400, body: { reason: "INVALID_ARGUMENT", argument } });
    expect(refused.body["detail"]).toContain(detail);
    expect((await ask(at(id))).body).toMatchObject({ locked: false, waiters: [] });
  });

  it("says what methods there are, and what paths", async () => {
    const wrong = await ask(at("a"), { method: "DELETE" });
    expect([wrong.status, wrong.headers.get("Allow")]).toEqual([405, "GET"]);
    expect((await ask("/v1/nothing")).status).toBe(404);
    expect((await ask("/nothing")).status).toBe(404);
  });

  it("can be mounted under a path, and sees nothing beside it", async () => {
    const to = serviceWith({ basePath: "/locks/" });
    expect((await ask(`/locks${at("a")}`, { to })).status).toBe(200);
    for (const path of [at("a"), `/locks2${at("a")}`, "/"]) expect((await send(path, { to })).status).toBe(404);
    const page = await send("/locks", { to });
    expect([page.status, page.headers.get("Location")]).toEqual([308, "/locks/"]);
  });

  it("answers 503 with Retry-After, and nothing of the cause, while the object can't be reached", async () => {
    const lock = { idFromName: () => "", getByName: () => fault };
    const fault = new Proxy(
      {},
      { get: () => () => Promise.reject(Object.assign(new Error("a secret"), { retryable: true })) },
    );
    const to = createLockService({ lock: lock as unknown as typeof env.DURABLE_LOCK, tokens: SECRET });
    const answer = await ask(at("a"), { to });
    expect(answer).toMatchObject({ status: 503, body: { reason: "UNREACHABLE" } });
    expect(answer.headers.get("Retry-After")).toBe("1");
    expect(JSON.stringify(answer.body)).not.toContain("a secret");
  });
});

describe.concurrent("the plain paths of the first library", () => {
  const to = serviceWith({ legacy: true });

  it("work as they did, with a token", async () => {
    const id = freshId();
    const get = async (path: string) => (await send(path, { to })).json<Record<string, unknown>>();
    const { lease } = await get(`/acquire/${id}?ttl=60000`);
    expect(await get(`/isLocked/${id}`)).toBe(true);
    expect(await get(`/acquire/${id}?ttl=60000`)).toMatchObject({ success: false, reason: "BORROWED" });
    expect(await get(`/acquire/${id}?ttl=60000&lease=${lease as number}`)).toMatchObject({ success: true, lease });
    expect(await get(`/release/${id}?lease=${lease as number}`)).toBe(true);
    expect((await send(`/acquire/${id}?ttl=0`, { to })).status).toBe(400);
  });

  it("are closed without a token, to a token that may only read, and unless turned on", async () => {
    for (const path of ["/acquire/a?ttl=1", "/release/a?lease=1", "/isLocked/a"]) {
      expect((await fetchRaw(path, to)).status).toBe(401);
      expect((await send(path)).status).toBe(404);
    }
    expect((await send("/acquire/a?ttl=1", { to, token: TOKENS.reader })).status).toBe(403);
    expect((await send("/acquire/a?ttl=1", { to, token: TOKENS.ours })).status).toBe(403);
  });
});

const fetchRaw = (path: string, to: ReturnType<typeof serviceWith>) => to.fetch(new Request(ORIGIN + path));
