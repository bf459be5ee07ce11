import { afterEach, expect, it, vi } from "vitest";
import { freshId, stubOf } from "../../support/locks.ts";
import { SECRET, TOKENS, ask, at, send, serviceWith } from "./calls.ts";
import { OPERATIONS, documented, pathOn } from "./operations.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const entry = (more: object) => JSON.stringify([{ name: "ci", token: "a-token-of-some-length", ...more }]);

/** Entries of one name, each with its own token. */
const namesakes = (...others: object[]) =>
  JSON.stringify([{}, ...others].map((more, n) => ({ name: "ci", token: `a-token-of-some-length-${n}`, ...more })));

it.each<[string, string | undefined]>([
  ["no secret", undefined],
  ["an empty secret", ""],
  ["a blank secret", " \n "],
  ["a short token", "fifteen-letters"],
  ["a short token padded with spaces", "  short-token            "],
  ["a token with a space, which no header can carry", "correct horse battery staple"],
  ["a token beyond ASCII, which no header can carry", "correct-horse-bättery-staple"],
  ["JSON without its brackets", entry({}).slice(1, -1)],
  ["JSON text", '"a-token-of-some-length"'],
  ["JSON that is cut off", entry({}).slice(0, -5)],
  ["an empty list", "[]"],
  [
    "too many tokens",
    JSON.stringify(Array.from({ length: 101 }, (_, n) => ({ name: "n", token: `a-token-of-length-${n}` }))),
  ],
  ["a list of texts", '["a-token-of-some-length"]'],
  ["a list of null", "[null]"],
  ["an entry without a name", JSON.stringify([{ token: "a-token-of-some-length" }])],
  ["an entry without a token", JSON.stringify([{ name: "ci" }])],
  ["an entry with a short token", entry({ token: "fifteen-letters" })],
  ["an entry whose token is no text", entry({ token: 1e17 })],
  ["an entry with a misspelt field, which would be wider than it was meant to be", entry({ prefix: ["ci/"] })],
  ["an entry with an unknown action", entry({ actions: ["write"] })],
  ["an entry with an action that is inherited", entry({ actions: ["constructor"] })],
  ["an entry with no action", entry({ actions: [] })],
  ["an entry with no prefix", entry({ prefixes: [] })],
  ["an entry with one prefix that is no list", entry({ prefixes: "ci/" })],
  ["an entry with a prefix that is no text", entry({ prefixes: [null] })],
  ["a name of 65 bytes", entry({ name: "x".repeat(65) })],
  ["a name of 66 bytes in 33 characters", entry({ name: "é".repeat(33) })],
  ["a name that is not well-formed", entry({ name: "\ud800" })],
  ["three entries of one name", namesakes({}, {})],
  ["two entries of one name that may not do the same", namesakes({ actions: ["read"] })],
  ["two entries of one name for other ids", namesakes({ prefixes: ["ci/"] })],
  ["a token twice", JSON.stringify([...JSON.parse(entry({})), ...JSON.parse(entry({ name: "other" }))])],
])(
  "With %s, the service refuses everything, says how to configure it, and reveals nothing of the secret.",
  async (_name, tokens) => {
    const to = serviceWith({ tokens });
    for (const operation of await documented()) {
      const id = freshId();
      const body = OPERATIONS[operation.name]?.body;
      for (const token of ["", "a-token-of-some-length", tokens?.trim().replaceAll(/[^\x21-\x7e]/g, "") ?? ""]) {
        const sent = { to, token, method: operation.method, ...(body && { body }) };
        const answer = await ask(pathOn(id, operation), sent);
        expect([answer.status, answer.body.reason]).toEqual([503, "NOT_CONFIGURED"]);
        expect(answer.body["detail"]).toContain("wrangler secret put TOKENS");
        expect(JSON.stringify(answer.body)).not.toMatch(/a-token-of|fifteen-letters|correct|short-token|n":"n/);
      }
    }
  },
);

it("Two entries may share a name if their prefixes and actions are the same in any order; a name may have 64 bytes.", async () => {
  const tokens = JSON.stringify([
    { name: "é".repeat(32), token: "the-token-of-last-year", prefixes: ["a/", "b/"], actions: ["lock", "read"] },
    { name: "é".repeat(32), token: "the-token-of-this-year", prefixes: ["b/", "a/"], actions: ["read", "lock"] },
  ]);
  for (const token of ["the-token-of-last-year", "the-token-of-this-year"])
    expect((await send(at("a/x"), { to: serviceWith({ tokens }), token })).status).toBe(200);
});

it("The token of each caller is compared with every token, each time in constant time.", async () => {
  const to = serviceWith();
  const compare = vi.spyOn(crypto.subtle, "timingSafeEqual");
  const count = (JSON.parse(SECRET) as unknown[]).length;
  for (const token of [...Object.values(TOKENS), "token-that-nobody-has-set", "x"]) {
    compare.mockClear();
    await send(at("ours/x"), { to, token });
    expect([token, compare.mock.calls.length]).toEqual([token, count]);
    for (const [one, other] of compare.mock.calls)
      expect([(one as ArrayBuffer).byteLength, (other as ArrayBuffer).byteLength]).toEqual([32, 32]);
  }
});

it("No token and no request id of another caller appears in any reply, header or log line.", async () => {
  const written: string[] = [];
  for (const level of ["log", "info", "warn", "error", "debug"] as const)
    vi.spyOn(console, level).mockImplementation((...args) => void written.push(args.map(String).join(" ")));
  const requestId = "the-request-id-of-somebody-else";
  const id = freshId();
  const broken = serviceWith({ lock: { getByName: () => broke(), idFromName: () => broke() } as never });
  await ask(at(id, "acquire"), { body: { ttl: 60_000, requestId, owner: "one" } });
  const waiting = ask(at(id, "acquire"), { body: { ttl: 60_000, requestId: `${requestId}-2`, wait: 60_000 } });
  await vi.waitFor(async () => expect((await stubOf(id).status()).waiters).toHaveLength(1));
  for (const operation of (await documented()).filter(({ name }) => name !== "events"))
    for (const token of [...Object.values(TOKENS), `${TOKENS.all}-wrong`])
      for (const to of [serviceWith(), broken]) {
        const body = OPERATIONS[operation.name]?.body;
        const sent = { to, token, method: operation.method, ...(body && { body }) };
        const response = await send(pathOn(operation.name === "force-release" ? freshId() : id, operation), sent);
        written.push(JSON.stringify([...response.headers]), await response.text());
      }
  await send(at(id, "force-release"), { body: {} });
  await waiting;
  expect(written.length).toBeGreaterThan(50);
  expect(written.join("\n")).toContain("durable-locks: a request failed.");
  for (const secret of [...Object.values(TOKENS), "the-request-id-of"])
    expect(written.join("\n")).not.toContain(secret);
});

it("From an internal failure, the caller learns only that it happened.", async () => {
  const error = vi.spyOn(console, "error").mockImplementation(() => {});
  const to = serviceWith({ lock: { getByName: () => broke(), idFromName: () => broke() } as never });
  const { status, body } = await ask(at(freshId(), "acquire"), { to, body: { ttl: 1_000 } });
  expect([status, body.reason]).toEqual([500, "INTERNAL"]);
  expect(JSON.stringify(body)).not.toMatch(/hidden|Error|\.ts/);
  expect(error).toHaveBeenCalledOnce();
});

function broke(): never {
  throw new Error("hidden cause");
}

it("The limiter counts requests by the token's name, and the refusal says when to come back.", async () => {
  const keys: string[] = [];
  const limiter = { limit: async ({ key }: { key: string }) => (keys.push(key), { success: keys.length <= 2 }) };
  const to = serviceWith({ limiter });
  const id = freshId();
  const statuses = [];
  for (let call = 0; call < 3; call += 1) statuses.push((await send(at(id), { to, token: TOKENS.reader })).status);
  expect([statuses, keys]).toEqual([
    [200, 200, 429],
    ["reader", "reader", "reader"],
  ]);
  const { headers, body } = await ask(at(id), { to });
  expect([headers.get("Retry-After"), body.reason]).toEqual(["10", "RATE_LIMITED"]);
});

it("The limiter counts guesses by address, and still admits a caller with a token.", async () => {
  const keys: string[] = [];
  const authLimiter = { limit: async ({ key }: { key: string }) => (keys.push(key), { success: keys.length <= 2 }) };
  const to = serviceWith({ authLimiter });
  const id = freshId();
  const guess = async (token: string) =>
    (await send(at(id), { to, token, headers: { "CF-Connecting-IP": "192.0.2.1" } })).status;
  expect([await guess("guess-one"), await guess(""), await guess("guess-two")]).toEqual([401, 401, 429]);
  expect(await guess(TOKENS.all)).toBe(200);
  expect(keys).toEqual(["192.0.2.1", "192.0.2.1", "192.0.2.1"]);
});
