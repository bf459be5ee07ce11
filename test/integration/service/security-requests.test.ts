import { expect, it } from "vitest";
import { freshId, stubOf } from "../../support/locks.ts";
import { ORIGIN, TOKENS, ask, at, send, serviceWith } from "./calls.ts";
import { OPERATIONS, documented, pathOn, routed } from "./operations.ts";

const KIB_64 = 65_536;

it.each([
  ["a dot and a slash, which stay in the segment", "..%2Fours%2Fx", "../ours/x"],
  ["the prefix encoded twice", "ours%252Fx", "ours%2Fx"],
  ["the prefix in another case", "OURS%2Fx", "OURS/x"],
  ["a backslash, encoded", "ours%5Cx", "ours\\x"],
  ["a leading slash", "%2Fours%2Fx", "/ours/x"],
  ["a NUL before the prefix", "%00ours%2Fx", "\0ours/x"],
  ["a NUL for the slash", "ours%00x", "ours\0x"],
  ["a path parameter", "other;ours%2Fx", "other;ours/x"],
  ["a line break", "%0Aours%2Fx", "\nours/x"],
  ["full-width letters, which look the same", "%EF%BD%8Furs%2Fx", "ｏurs/x"],
  ["a space", "%20ours%2Fx", " ours/x"],
  ["a plus, which is no space", "+ours%2Fx", "+ours/x"],
  ["a byte order mark", "%EF%BB%BFours%2Fx", "\u{feff}ours/x"],
])("An id with %s is a different id, outside of the prefix.", async (_name, segment, id) => {
  const path = `/v1/locks/${segment}`;
  const shown = await ask(path);
  expect([shown.status, shown.body["id"]]).toEqual([200, id]);
  for (const name of ["acquire", "force-release"]) {
    const answer = await ask(`${path}/${name}`, { token: TOKENS.ours, body: OPERATIONS[name]?.body });
    expect([answer.status, answer.body.reason]).toEqual([403, "FORBIDDEN"]);
  }
  expect((await ask(path, { token: TOKENS.ours })).status).toBe(403);
  expect((await ask(`${path}/acquire`, { body: { ttl: 10_000 } })).status).toBe(200);
  expect(await stubOf(id).isLocked()).toBe(true);
});

it.each([
  ["encoded more than necessary", "%6F%75%72%73%2F%78"],
  ["with small hex digits", "ours%2fx"],
  ["with dots behind the prefix, which do not lead up", "ours%2F..%2F..%2Fother"],
])("An id %s is judged in its decoded form, and used in the form that was judged.", async (_name, segment) => {
  const { status, body } = await ask(`/v1/locks/${segment}`, { token: TOKENS.ours });
  expect([status, body["id"]]).toEqual([200, decodeURIComponent(segment)]);
});

it.each([
  ["a percent sign alone", "%"],
  ["half a byte", "%2"],
  ["no hex digits", "%zz"],
  ["a lone surrogate, encoded", "%ED%A0%80"],
  ["an overlong slash", "ours%C0%AFx"],
  ["half a character", "%F0%9F%94"],
  ["a byte that is not UTF-8", "%FF"],
  ["513 bytes", "x".repeat(513)],
  ["513 bytes in fewer characters", encodeURIComponent("é".repeat(257))],
  ["a megabyte", "x".repeat(1_000_000)],
])("An id that is %s is refused by every route, which names the id.", async (_name, segment) => {
  for (const operation of (await documented()).filter(({ path }) => path.includes("{id}"))) {
    const path = operation.path.replace("{id}", segment);
    const body = OPERATIONS[operation.name]?.body;
    const answer = await ask(path, { method: operation.method, ...(body && { body }) });
    expect([operation.name, answer.status, answer.body.reason, answer.body["argument"]]).toEqual([
      operation.name,
      400,
      "INVALID_ARGUMENT",
      "id",
    ]);
    expect(JSON.stringify(answer.body).length).toBeLessThan(1_000);
  }
});

it.each([
  "/v1/locks//acquire",
  "//v1/locks/x/acquire",
  "/v1//locks/x/acquire",
  "/v1/locks/x//acquire",
  "/v1/locks/x/acquire/",
  "/v1/locks/x/../acquire",
  "/v1/locks/x/%2e%2e/acquire",
  "/v1/locks/%2e%2e/acquire",
  "/v1/locks/x/%61cquire",
  "/v1/locks/x/ACQUIRE",
  "/V1/locks/x/acquire",
  "/%761/locks/x/acquire",
  "/v1/locks/ours/x/acquire",
  "/v1/locks\\x\\y\\acquire",
  "/v1/locks/x/acquire;a=b",
  "/v1/locks/x/acquire%00",
  "/openapi.json/../v1/locks/x/y/acquire",
])("%s is not a path, and locks nothing.", async (path) => {
  const { status } = await ask(path, { body: { ttl: 1_000 } });
  expect([404, 405]).toContain(status);
});

it.each([
  ["/locks", "/locks/v1/locks/ours%2Fx", 200],
  ["/locks/", "/locks/v1/locks/ours%2Fx", 200],
  ["/locks", "/v1/locks/ours%2Fx", 404],
  ["/locks", "/locksx/v1/locks/ours%2Fx", 404],
  ["/locks", "/locks/v1/locks/other", 403],
  ["/locks/ours%2Fx", "/locks/ours%2Fx/v1/locks/other", 403],
])("Mounted on %s, the service answers %s with %i.", async (basePath, path, status) => {
  expect((await send(path, { to: serviceWith({ basePath }), token: TOKENS.ours })).status).toBe(status);
});

it("G9: The service refuses a basePath with which no request path can begin.", () => {
  expect(() => serviceWith({ basePath: "locks" })).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "basePath" }),
  );
});

/** A body without a Content-Length that counts the bytes that were pulled from it. */
function streamOf(bytes: number, pulled: { bytes: number }): ReadableStream {
  const chunk = new TextEncoder().encode(" ".repeat(16_384));
  return new ReadableStream(
    {
      pull(controller) {
        if (pulled.bytes >= bytes) return controller.close();
        pulled.bytes += chunk.length;
        controller.enqueue(chunk);
      },
    },
    { highWaterMark: 0 },
  );
}

it("Every route refuses a body that is too large, with and without Content-Length, and does not read it to its end.", async () => {
  for (const { name, method, path } of (await documented()).filter((operation) => operation.method === "POST")) {
    const id = freshId();
    const most = name === "release" ? 14_200_000 : KIB_64;
    const url = pathOn(id, { path });
    const sized = await ask(url, {
      method,
      body: `{"ttl":1000${" ".repeat(most)}}`,
      headers: { "Content-Length": `${most + 12}` },
    });
    expect([name, sized.status, sized.body.reason]).toEqual([name, 413, "PAYLOAD_TOO_LARGE"]);
    const pulled = { bytes: 0 };
    const headers = { Authorization: `Bearer ${TOKENS.all}`, "Content-Type": "application/json" };
    const chunked = new Request(ORIGIN + url, { method, headers, body: streamOf(50_000_000, pulled) });
    const response = await serviceWith().fetch(chunked);
    expect([name, response.status]).toEqual([name, 413]);
    expect(pulled.bytes).toBeLessThan(most + 100_000);
    expect(await stubOf(id).isLocked()).toBe(false);
  }
});

it("Without a token, no caller makes the service read a body.", async () => {
  const pulled = { bytes: 0 };
  const headers = { "Content-Type": "application/json" };
  const request = new Request(ORIGIN + at(freshId(), "release"), {
    method: "POST",
    headers,
    body: streamOf(1e6, pulled),
  });
  expect((await serviceWith().fetch(request)).status).toBe(401);
  expect(pulled.bytes).toBe(0);
});

it.each([
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "",
  "application/jsonx",
  "text/json",
  "application/problem+json",
  "text/plain, application/json",
  "application/json charset",
])("Every route refuses a body of the type %j, which a form on another page could send.", async (type) => {
  for (const { name, method, path } of (await documented()).filter((operation) => operation.method === "POST")) {
    const id = freshId();
    const body = JSON.stringify(OPERATIONS[name]?.body);
    const { status } = await ask(pathOn(id, { path }), { method, body, headers: { "Content-Type": type } });
    expect([name, status]).toEqual([name, 415]);
    expect(await stubOf(id).isLocked()).toBe(false);
  }
});

it.each(["Application/JSON", "application/json;charset=utf-8", "application/json; charset=utf-8"])(
  "A body of the type %s is read and checked as JSON.",
  async (type) => {
    const headers = { "Content-Type": type };
    expect((await ask(at(freshId(), "acquire"), { body: { ttl: 1_000 }, headers })).status).toBe(200);
    const bogus = await ask(at(freshId(), "force-release"), { body: { bogus: 1 }, headers });
    expect([bogus.status, bogus.body["argument"]]).toEqual([400, "bogus"]);
  },
);

it("An odd Content-Type never makes the service fail.", async () => {
  for (const type of [
    "application/json;",
    "application/json ; charset=utf-8",
    "application/json; charset",
    "application/json;;",
    ";",
    "/",
  ])
    expect([200, 415]).toContain(
      (await send(at(freshId(), "acquire"), { body: { ttl: 1_000 }, headers: { "Content-Type": type } })).status,
    );
});

it("A page of another origin gets nothing: no preflight succeeds, and it may not read any answer.", async () => {
  const Origin = "https://evil.example";
  for (const { method, path } of routed()) {
    const url = pathOn(freshId(), { path });
    const preflight = await send(url, {
      token: "",
      method: "OPTIONS",
      headers: {
        Origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
      },
    });
    expect(preflight.ok).toBe(false);
    const simple = method === "ALL" ? "GET" : method;
    const answered = await send(url, { method: simple, headers: { Origin }, ...(simple === "POST" && { body: {} }) });
    await answered.body?.cancel();
    for (const { headers } of [preflight, answered]) {
      const names = [...headers.keys()];
      expect(names.filter((name) => name.startsWith("access-control-") || name === "set-cookie")).toEqual([]);
    }
  }
});

it("Every answer forbids caching and sniffing of its type.", async () => {
  const id = freshId();
  const answers = [
    await send(at(id, "acquire"), { body: { ttl: 1_000 } }),
    await send(at(id, "acquire"), { body: { ttl: 1_000 } }),
    await send(at(id)),
    await send(at(id, "events")),
    await send(at(id, "nowhere")),
    await send(at(id), { token: "" }),
    await send(at(id), { method: "PATCH", body: {} }),
    await send("/openapi.json"),
    await send("/nowhere"),
    await send(`/isLocked/${id}`, { to: serviceWith({ legacy: true }) }),
    await send(at(id), { to: serviceWith({ tokens: "" }) }),
  ];
  for (const response of answers) {
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(response.headers.get("Content-Type")).toMatch(/^(application\/(problem\+)?json|text\/event-stream)/);
    await response.body?.cancel();
  }
});

const INJECTION = "one\r\nSet-Cookie: a=b\r\n\r\n<script>alert(1)</script>\0\u{2028}";

it("Line breaks in ids, owners and request ids reach no header and come back unchanged in JSON.", async () => {
  const id = freshId(INJECTION);
  const body = { ttl: 60_000, owner: INJECTION, requestId: INJECTION };
  const responses = [
    await send(at(id, "acquire"), { body }),
    await send(at(id, "acquire"), { body: { ...body, requestId: "other" } }),
    await send(at(id)),
    await send(at(id, "events")),
    await send(at(id, "acquire"), { body: { ttl: 1, [INJECTION]: 1 } }),
    await send(at(id), { token: TOKENS.ours }),
  ];
  expect(responses.map(({ status }) => status)).toEqual([200, 409, 200, 200, 400, 403]);
  for (const response of responses) {
    expect(JSON.stringify([...response.headers])).not.toMatch(/cookie|script|one/i);
    expect(response.headers.get("Content-Type")).toMatch(/json|event-stream/);
  }
  expect(await responses[1]?.json()).toMatchObject({ holders: [{ owner: INJECTION }] });
  expect(await responses[2]?.json()).toMatchObject({ id, holders: [{ owner: INJECTION }] });
  const reader = responses[3]?.body?.getReader();
  const event = new TextDecoder().decode((await reader?.read())?.value);
  expect(event.split("\n").map((line) => line.split(":")[0])).toEqual(["event", "data", "", ""]);
  await reader?.cancel();
});

it("A refusal quotes what a caller sent in shortened form.", async () => {
  const { status, body } = await ask(at(freshId(), "acquire"), { body: { ttl: 1, ["x".repeat(60_000)]: 1 } });
  expect([status, body["argument"]]).toEqual([400, "x".repeat(40)]);
  expect(JSON.stringify(body).length).toBeLessThan(500);
});
