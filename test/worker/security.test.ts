import { afterEach, describe, expect, it, vi } from "vitest";
import { createLockService, type RateLimiter } from "../../src/service.ts";
import { env } from "cloudflare:workers";
import { freshId, stubOf, untilWaiting } from "../support/locks.ts";
import { ORIGIN, SECRET, TOKENS, ask, at, send, serviceWith } from "./calls.ts";

afterEach(() => vi.restoreAllMocks());

interface Operation {
  summary: string;
}

/** Every route that the service says it has: a new one can't be forgotten here. */
const { paths } = await (
  await send("/openapi.json", { token: "" })
).json<{ paths: Record<string, Record<string, Operation>> }>();
const ROUTES = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { summary }]) => ({
    path,
    method: method.toUpperCase(),
    action: /needs the action "(\w+)"/i.exec(summary)?.[1] ?? "",
  })),
);
const BODIES: Record<string, object> = {
  acquire: { ttl: 60_000 },
  renew: { lease: 1, ttl: 1_000 },
  convert: { lease: 1 },
  release: { lease: 1 },
  cancel: { requestId: "a" },
};

describe.each(ROUTES)("$method $path", ({ path, method, action }) => {
  const askWith = (token: string, id: string, headers: Record<string, string> = {}) => {
    const filled = path.replace("{id}", encodeURIComponent(id));
    const body = method === "POST" ? (BODIES[path.split("/").at(-1) as string] ?? {}) : undefined;
    return send(filled, { token, method, headers, ...(body && { body }) });
  };
  const untouched = async (id: string) => expect(await stubOf(id).isLocked()).toBe(false);

  it("says what action it needs", () => expect(["read", "lock", "admin"]).toContain(action));

  it.each([
    ["without a token", "", {}],
    ["with a wrong token", "token-that-nobody-has-given", {}],
    ["with the beginning of a token", TOKENS.all.slice(0, -1), {}],
    ["with a token of another scheme", "", { Authorization: `Basic ${btoa(`all:${TOKENS.all}`)}` }],
    ["with a token in the query", "", { "X-Token": TOKENS.all }],
  ])("is 401 %s", async (_name, token, headers) => {
    const id = freshId();
    const response = await askWith(token, id, headers);
    expect([response.status, response.headers.get("WWW-Authenticate")]).toEqual([401, 'Bearer realm="durable-locks"']);
    await untouched(id);
  });

  it("is 403 with a token of another prefix", async () => {
    const id = freshId();
    expect((await askWith(TOKENS.ours, id)).status).toBe(403);
    await untouched(id);
  });

  it("is 403 with a token of another action", async () => {
    const id = freshId();
    for (const [name, token] of Object.entries({ read: TOKENS.reader, lock: TOKENS.locker }))
      if (name !== action) expect((await askWith(token, id)).status).toBe(403);
    await untouched(id);
  });

  it("is 503 while no token is configured, and says how to set one", async () => {
    for (const tokens of [
      undefined,
      "",
      "  ",
      "short",
      "[",
      "[]",
      '[{"name":"a"}]',
      '[{"name":"a","token":"short"}]',
    ]) {
      const to = createLockService({ lock: env.DURABLE_LOCK, tokens });
      const { status, body } = await ask(path.replace("{id}", "a"), {
        to,
        method,
        ...(method === "POST" && { body: {} }),
      });
      expect([status, body.reason]).toEqual([503, "NOT_CONFIGURED"]);
      expect(body["detail"]).toContain("wrangler secret put TOKENS");
    }
  });
});

describe.concurrent("access", () => {
  it.each([
    ["an unknown action", [{ name: "a", token: TOKENS.all, actions: ["write"] }]],
    ["no actions", [{ name: "a", token: TOKENS.all, actions: [] }]],
    ["prefixes that are no list", [{ name: "a", token: TOKENS.all, prefixes: "ci/" }]],
    ["a field that is misspelt, and would widen it", [{ name: "a", token: TOKENS.all, prefix: ["ci/"] }]],
    [
      "one token twice",
      [
        { name: "a", token: TOKENS.all },
        { name: "b", token: TOKENS.all, prefixes: ["b/"] },
      ],
    ],
  ])("is closed for all if the configuration has %s, which is not repeated", async (_name, tokens) => {
    const to = createLockService({ lock: env.DURABLE_LOCK, tokens: JSON.stringify(tokens) });
    const { status, body } = await ask(at("a"), { to });
    expect(status).toBe(503);
    expect(JSON.stringify(body)).not.toContain(TOKENS.all);
  });

  it("lets several tokens in at once, so that one can replace another, and a plain one do all", async () => {
    const tokens = JSON.stringify([
      { name: "old", token: TOKENS.reader },
      { name: "new", token: TOKENS.locker },
    ]);
    for (const token of [TOKENS.reader, TOKENS.locker])
      expect((await send(at("a"), { token, to: serviceWith({ tokens }) })).status).toBe(200);
    const plain = serviceWith({ tokens: TOKENS.all });
    expect((await send(at(freshId(), "force-release"), { to: plain, body: {} })).status).toBe(200);
  });

  it("needs admin to steal", async () => {
    const id = freshId();
    await send(at(id, "acquire"), { body: { ttl: 60_000 } });
    const steal = { body: { ttl: 60_000, steal: true } };
    expect((await send(at(id, "acquire"), { ...steal, token: TOKENS.locker })).status).toBe(403);
    expect((await send(at(id, "acquire"), steal)).status).toBe(200);
  });

  it.each([
    ["ours%2Fa", 200],
    ["ours/a", 401],
    ["theirs%2F..%2Fours%2Fa", 403],
    ["ours%2F..%2Ftheirs", 200],
    ["%6Furs%2Fa", 200],
    ["ours%252Fa", 403],
    ["OURS%2Fa", 403],
    ["%00ours%2Fa", 403],
    ["ours%5Ca", 403],
    [";ours%2Fa", 403],
    ["%2Fours%2Fa", 403],
    ["ours%2Fa%0D%0AX-Injected:%201", 200],
    ["ours%2F%ED%A0%80", 400],
    ["ours%2F%FF", 400],
    ["ours%2F%", 400],
    [`ours%2F${"a".repeat(600)}`, 400],
    [`ours%2F${"%F0%9F%94%92".repeat(120)}`, 200],
  ])("judges the id of /v1/locks/%s by what it decodes to, once", async (segment, status) => {
    const response = await send(`/v1/locks/${segment}`, { token: TOKENS.ours });
    expect(response.status).toBe(status === 401 ? 404 : status);
    expect(response.headers.get("X-Injected")).toBeNull();
    if (status === 200) expect((await response.json<{ id: string }>()).id).toBe(decodeURIComponent(segment));
  });

  it.each([
    "//v1/locks/a",
    "/v1//locks/a",
    "/v1/locks//a",
    "/V1/locks/a",
    "/v1/locks/a/",
    "/v1/locks/a/acquire/",
    "/v1/../v1/locks",
  ])("shows nothing at %s", async (path) => expect([401, 404, 501]).toContain((await send(path)).status));

  it("limits the rate by token, and guesses by address", async () => {
    const keys: string[] = [];
    const limiter: RateLimiter = { limit: async ({ key }) => (keys.push(key), { success: keys.length < 2 }) };
    const to = serviceWith({ limiter, authLimiter: limiter });
    expect((await send(at("a"), { to })).status).toBe(200);
    const limited = await ask(at("a"), { to });
    expect([limited.status, limited.body.reason, limited.headers.get("Retry-After")]).toEqual([
      429,
      "RATE_LIMITED",
      "10",
    ]);
    const headers = { "CF-Connecting-IP": "192.0.2.1" };
    expect((await send(at("a"), { to, token: "a-guess", headers })).status).toBe(429);
    expect(keys).toEqual(["all", "all", "192.0.2.1"]);
  });
});

describe.concurrent("what comes in", () => {
  const acquire = (id: string, body: BodyInit, headers: Record<string, string> = {}) =>
    serviceWith().fetch(
      new Request(ORIGIN + at(id, "acquire"), {
        method: "POST",
        body,
        headers: { Authorization: `Bearer ${TOKENS.all}`, "Content-Type": "application/json", ...headers },
      }),
    );

  it("is no larger than it may be, whether its length is told or not", async () => {
    const id = freshId();
    const large = JSON.stringify({ ttl: 60_000, owner: "a".repeat(70_000) });
    expect((await acquire(id, large)).status).toBe(413);
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1;
        if (sent > 10_000) controller.close();
        else controller.enqueue(new Uint8Array(1_000).fill(32));
      },
    });
    expect((await acquire(id, endless)).status).toBe(413);
    expect(sent).toBeLessThan(1_000);
    expect(await stubOf(id).isLocked()).toBe(false);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])(
    "is JSON, and never the %j that another origin's page can send unasked",
    async (type) => {
      const id = freshId();
      expect((await acquire(id, '{"ttl":60000}', { "Content-Type": type })).status).toBe(415);
      expect(await stubOf(id).isLocked()).toBe(false);
    },
  );

  it.each(["", "{", "null", "[]", '"a"', "{}{}", "\u0000", `{"ttl":1e999}`, `{"__proto__":{"ttl":1}}`])(
    "is refused with 400 if it is %j",
    async (body) => {
      const id = freshId();
      expect((await acquire(id, body)).status).toBe(400);
      expect(await stubOf(id).isLocked()).toBe(false);
    },
  );

  it("can't be nested so deeply that it fails otherwise than with a refusal", async () => {
    const deep = `{"lease":1,"result":{"retain":1,"value":${"[".repeat(20_000)}${"]".repeat(20_000)}}}`;
    expect((await send(at(freshId(), "release"), { body: deep })).status).toBeLessThan(500);
  });
});

describe.concurrent("what goes out", () => {
  it("opens nothing to other origins", async () => {
    for (const path of [at("a"), at("a", "acquire"), "/", "/openapi.json", "/inspector/card.js"])
      for (const method of ["OPTIONS", "GET"]) {
        const headers = { Origin: "https://other.example", "Access-Control-Request-Method": "POST" };
        const response = await send(path, { method, headers });
        expect([...response.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
        if (method === "OPTIONS") expect(response.status).toBe(405);
      }
  });

  it("is kept nowhere on the way, and taken for nothing else; the page may not be framed", async () => {
    for (const path of [at("a"), "/", "/openapi.json", "/nothing"]) {
      const { headers } = await send(path);
      expect([headers.get("Cache-Control"), headers.get("X-Content-Type-Options")]).toEqual(["no-store", "nosniff"]);
    }
    const policy = (await send("/")).headers.get("Content-Security-Policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
  });

  it("has no header that an id or owner made", async () => {
    const id = `${freshId()}\r\nX-Injected: 1`;
    const answers = [
      await send(at(id, "acquire"), { body: { ttl: 60_000, owner: "a\r\nX-Injected: 1" } }),
      await send(at(id, "acquire"), { body: { ttl: 60_000 } }),
      await send(at(id)),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 409, 200]);
    for (const { headers } of answers) expect(headers.get("X-Injected")).toBeNull();
  });
});

// One after the other: what is spied on is shared by all.
describe("secrets", () => {
  it("are compared in constant time", async () => {
    const compare = vi.spyOn(crypto.subtle, "timingSafeEqual");
    for (const token of [TOKENS.all, TOKENS.ours, "x"]) {
      compare.mockClear();
      await send(at("a"), { token });
      expect(compare).toHaveBeenCalledTimes(Object.keys(TOKENS).length);
    }
  });

  it("are in no answer and no log, neither tokens nor request ids", async () => {
    const logs = ["log", "info", "warn", "error", "debug"].map((level) => vi.spyOn(console, level as "log"));
    const id = freshId();
    await send(at(id, "acquire"), { body: { ttl: 60_000, requestId: "secret-1" } });
    const waiting = send(at(id, "acquire"), { body: { ttl: 60_000, requestId: "secret-2", wait: 20_000 } });
    await untilWaiting(id, 1);
    const texts = [];
    for (const path of [at(id), at(id, "acquire"), at(id, "renew"), at(id, "cancel")])
      texts.push(await (await send(path, path === at(id) ? {} : { body: { ttl: 1 } })).text());
    const events = (await send(at(id, "events"))).body?.getReader();
    texts.push(new TextDecoder().decode((await events?.read())?.value));
    await events?.cancel();
    await send(at(id, "cancel"), { body: { requestId: "secret-2" } });
    await waiting;
    const said = logs.flatMap(({ mock }) => mock.calls.map(String));
    expect([...texts, ...said].join()).not.toMatch(/secret-|token-that/);
    expect(texts.join()).not.toContain(SECRET);
  });
});
