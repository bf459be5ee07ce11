import { expect, it } from "vitest";
import { PROTOCOL } from "../../../src/core/protocol.ts";
import { PROTOCOL_HEADER } from "../../../src/wire/protocol.ts";
import { faultyNamespace } from "../../support/faulty-namespace.ts";
import { freshId, stubOf } from "../../support/locks.ts";
import { ask, at, send, serviceWith } from "./calls.ts";

const speaking = (protocol: string) => ({ headers: { [PROTOCOL_HEADER]: protocol } });

it.each([
  ["3", "protocol 3", "the service"],
  ["1", "protocol 1", "the client"],
  ["two", "an older protocol that has no number", "the client"],
  ["2, 2", "an older protocol that has no number", "the client"],
  ["", "an older protocol that has no number", "the client"],
])(
  "A request of protocol %j is refused before it has any effect, and the refusal says what to deploy.",
  async (header, named, older) => {
    const id = freshId();
    const { status, headers, body } = await ask(at(id, "acquire"), { ...speaking(header), body: { ttl: 60_000 } });
    expect([status, body.reason]).toEqual([400, "VERSION_MISMATCH"]);
    expect(body).toMatchObject({
      detail: `The client speaks ${named}, and the service speaks protocol ${PROTOCOL}. Update durable-locks in ${older}, and deploy it.`,
    });
    expect(headers.get(PROTOCOL_HEADER)).toBe(String(PROTOCOL));
    expect(await stubOf(id).isLocked()).toBe(false);
  },
);

it("A request with the service's protocol, or with none, is served, and the answer names the protocol.", async () => {
  const id = freshId();
  for (const given of [speaking(String(PROTOCOL)), {}]) {
    const { status, headers, body } = await ask(at(id, "acquire"), {
      ...given,
      body: { ttl: 60_000, requestId: "one" },
    });
    expect([status, headers.get(PROTOCOL_HEADER)]).toEqual([200, String(PROTOCOL)]);
    expect(body.lease).toBeGreaterThan(0);
  }
});

it.each([
  ["a refusal of the lock", () => send(at(freshId(), "renew"), { body: { lease: 1, ttl: 1 } }), 410],
  ["a bad argument", () => send(at(freshId(), "acquire"), { body: { ttl: 0 } }), 400],
  ["a refused token", () => send(at(freshId()), { token: "" }), 401],
  ["an unknown path", () => send("/v1/nothing"), 404],
  ["the description", () => send("/openapi.json"), 200],
  ["events", () => send(at(freshId(), "events")), 200],
] as const)("Every answer names the protocol: %s.", async (_what, call, status) => {
  const response = await call();
  expect([response.status, response.headers.get(PROTOCOL_HEADER)]).toEqual([status, String(PROTOCOL)]);
  await response.body?.cancel();
});

it("Without a token, a caller does not learn how the protocols differ.", async () => {
  const { body } = await ask(at(freshId()), { ...speaking("3"), token: "" });
  expect(body.reason).toBe("UNAUTHORIZED");
});

it("An object of another version is a VERSION_MISMATCH, not a failure of the service, on every route that changes something.", async () => {
  // What an object of the first version says to an option that it does not know.
  const refusal = { success: false, reason: "INVALID_ARGUMENT", argument: "protocol", message: "unknown option" };
  const older = faultyNamespace(async () => refusal);
  const to = serviceWith({ lock: older.namespace });
  for (const [name, body] of [
    ["acquire", { ttl: 1_000 }],
    ["acquire", { ttl: 1_000, wait: 1_000 }],
    ["renew", { lease: 1, ttl: 1_000 }],
    ["convert", { lease: 1 }],
    ["release", { lease: 1 }],
    ["cancel", { requestId: "one" }],
    ["request-release", {}],
    ["force-release", {}],
  ] as const) {
    const answer = await ask(at(freshId(), name), { to, body });
    expect([name, answer.status, answer.body.reason]).toEqual([name, 400, "VERSION_MISMATCH"]);
    expect(answer.body).toMatchObject({ detail: expect.stringContaining("Update durable-locks in the object") });
  }
});

it("An object of another version is a VERSION_MISMATCH on the paths of the first library too.", async () => {
  const refusal = { success: false, reason: "INVALID_ARGUMENT", argument: "protocol", message: "unknown option" };
  const older = faultyNamespace(async () => refusal);
  const to = serviceWith({ lock: older.namespace, legacy: true });
  for (const path of ["/acquire/a?ttl=1000", "/acquire/a?ttl=1000&lease=1", "/release/a?lease=1"]) {
    const { status, body } = await ask(path, { to, method: "GET" });
    expect([path, status, body.reason]).toEqual([path, 400, "VERSION_MISMATCH"]);
    expect(older.calls.at(-1)?.args.at(-1)).toMatchObject({ protocol: PROTOCOL });
  }
});
