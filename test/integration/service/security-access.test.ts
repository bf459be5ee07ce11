import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { freshId, stubOf } from "../../support/locks.ts";
import { SECRET, TOKENS, ask, at, send, serviceWith } from "./calls.ts";
import { OPERATIONS, type Operation, PUBLIC, documented, pathOn, routed } from "./operations.ts";

const ADMIN = "token-that-may-only-force";
const tokens = JSON.stringify([...JSON.parse(SECRET), { name: "admin", token: ADMIN, actions: ["admin"] }]);
const to = serviceWith({ tokens, legacy: true, index: env.LOCK_INDEX });

let operations: Operation[];

beforeAll(async () => {
  operations = await documented();
});

/** A held lock that no request may change. */
async function heldLock() {
  const id = freshId();
  const held = await stubOf(id).acquire(60_000, { owner: "holder" });
  if (!held.success) throw new Error("not granted");
  return { id, lease: held.lease, before: await stubOf(id).status() };
}

function call(id: string, operation: Operation, token: string) {
  const body = OPERATIONS[operation.name]?.body;
  return ask(pathOn(id, operation), { to, token, method: operation.method, ...(body && { body }) });
}

it("The service has no routes besides the documented ones, the plain paths and the public ones.", () => {
  const listed = operations.map(({ method, path }) => `${method} ${path}`);
  const plain = ["acquire", "release", "isLocked"].map((name) => `GET /${name}/{id}`);
  const others = routed()
    .filter(({ method, path }) => method !== "ALL" && !PUBLIC.has(path))
    .map(({ method, path }) => `${method} ${path}`);
  expect(others.toSorted()).toEqual([...listed, ...plain].toSorted());
  expect(operations.map(({ name }) => name).toSorted()).toEqual(Object.keys(OPERATIONS).toSorted());
});

describe.each([
  ["no token", {}],
  ["a wrong token", { Authorization: "Bearer token-that-nobody-has-set" }],
  ["the beginning of a token", { Authorization: `Bearer ${TOKENS.all.slice(0, -1)}` }],
  ["a token and more", { Authorization: `Bearer ${TOKENS.all}x` }],
  ["two tokens", { Authorization: `Bearer ${TOKENS.all} ${TOKENS.all}` }],
  ["an empty token", { Authorization: "Bearer " }],
  ["another scheme", { Authorization: `Basic ${btoa(`all:${TOKENS.all}`)}` }],
  ["a cookie", { Cookie: `token=${TOKENS.all}` }],
])("Access with %s", (_name, headers: Record<string, string>) => {
  it("Without a valid token, every route answers 401, whatever the method and body, and the lock stays as it was.", async () => {
    const { id, before } = await heldLock();
    for (const { method, path } of routed().filter((route) => !PUBLIC.has(route.path)))
      for (const actual of method === "ALL" ? ["PUT", "DELETE", "PATCH", "OPTIONS", "POST", "GET"] : [method, "HEAD"]) {
        const hasBody = !["GET", "HEAD"].includes(actual);
        const sent = { to, token: "", method: actual, headers, ...(hasBody && { body: { ttl: 1, lease: 1 } }) };
        const response = await send(pathOn(id, { path }), sent);
        expect([actual, path, response.status]).toEqual([actual, path, 401]);
        expect(response.headers.get("WWW-Authenticate")).toMatch(/^Bearer /);
      }
    expect(await stubOf(id).status()).toEqual(before);
  });
});

it("An unknown path under /v1 needs a token too, so callers without one don't learn which paths exist.", async () => {
  for (const path of ["/v1", "/v1/", "/v1/x", "/v1/locks/", "/v1/locks/a/b", "/v1/locks/a/acquire/", "/v1/../v1/x"])
    expect([path, (await send(path, { to, token: "" })).status]).toEqual([path, 401]);
});

it.each([
  ["reader", TOKENS.reader, ["read"]],
  ["locker", TOKENS.locker, ["lock"]],
  ["admin", ADMIN, ["admin"]],
])(
  "The token of a %s can do what its actions allow on every route, and nothing else.",
  async (_name, token, actions) => {
    for (const operation of operations) {
      const { id, before } = await heldLock();
      const mayDo = actions.includes(OPERATIONS[operation.name]?.action ?? "");
      if (mayDo) {
        const body = OPERATIONS[operation.name]?.body;
        const response = await send(pathOn(id, operation), {
          to,
          token,
          method: operation.method,
          ...(body && { body }),
        });
        expect([operation.name, response.status]).not.toEqual([operation.name, 403]);
        await response.body?.cancel();
        continue;
      }
      const { status, body } = await call(id, operation, token);
      expect([operation.name, status, body.reason]).toEqual([operation.name, 403, "FORBIDDEN"]);
      expect(await stubOf(id).status()).toEqual(before);
    }
  },
);

it("A token for a prefix can't do anything, on any route, with an id outside of it.", async () => {
  for (const operation of operations) {
    const { id, before } = await heldLock();
    const { status, body } = await call(id, operation, TOKENS.ours);
    expect([operation.name, status, body.reason]).toEqual([operation.name, 403, "FORBIDDEN"]);
    expect(await stubOf(id).status()).toEqual(before);
  }
});

it("Access is judged before the body: a caller that may not lock does not learn what is wrong with its body.", async () => {
  const { status } = await ask(at(freshId(), "acquire"), { to, token: TOKENS.reader, body: { bogus: 1 } });
  expect(status).toBe(403);
});

it("Stealing needs both admin and lock; with only one of them it is refused, and the holder stays.", async () => {
  const { id, before } = await heldLock();
  for (const token of [TOKENS.locker, ADMIN])
    expect((await ask(at(id, "acquire"), { to, token, body: { ttl: 1_000, steal: true } })).status).toBe(403);
  expect(await stubOf(id).status()).toEqual(before);
  expect((await ask(at(id, "acquire"), { to, body: { ttl: 60_000, steal: true } })).status).toBe(200);
});

it("The plain paths need the same tokens, can't steal, and don't exist unless they are turned on.", async () => {
  const { id, before } = await heldLock();
  for (const [path, token, expected] of [
    [`/acquire/${id}?ttl=1000`, TOKENS.reader, 403],
    [`/release/${id}?lease=1`, TOKENS.reader, 403],
    [`/isLocked/${id}`, TOKENS.locker, 403],
    [`/isLocked/${id}`, TOKENS.ours, 403],
    [`/acquire/${id}?ttl=1000`, TOKENS.ours, 403],
    [`/acquire/${id}?ttl=1000&steal=true`, TOKENS.locker, 400],
    [`/acquire/${id}?ttl=1000&once=`, TOKENS.all, 400],
    [`/isLocked/${id}`, TOKENS.reader, 200],
  ] as const)
    expect([path, (await send(path, { to, token })).status]).toEqual([path, expected]);
  expect(await stubOf(id).status()).toEqual(before);
  const closed = serviceWith({ tokens });
  expect((await send(`/isLocked/${id}`, { to: closed })).status).toBe(404);
  expect((await send(`/isLocked/${id}`, { to: serviceWith({ tokens: undefined, legacy: true }) })).status).toBe(503);
});

it("During a rotation, each of several tokens works.", async () => {
  const both = serviceWith({
    tokens: JSON.stringify([
      { name: "old", token: "the-token-of-last-year" },
      { name: "new", token: "the-token-of-this-year" },
    ]),
  });
  for (const token of ["the-token-of-last-year", "the-token-of-this-year"])
    expect((await send(at(freshId()), { to: both, token })).status).toBe(200);
});
