import { expect, it } from "vitest";
import { type ConnectOptions, connectLocks } from "../../../src/client.ts";
import { TOKEN } from "../../support/http.ts";
import { failureOf } from "../../support/locks.ts";
import { PROTOCOL } from "../../../src/core/protocol.ts";
import { PROTOCOL_HEADER } from "../../../src/wire/protocol.ts";

const url = "https://locks.example";

it.each<[string, unknown, string]>([
  ["no options", undefined, "url"],
  ["no URL", { token: TOKEN }, "url"],
  ["text that is no URL", { url: "locks", token: TOKEN }, "url"],
  ["another protocol", { url: "ftp://locks.example", token: TOKEN }, "url"],
  ["http to another machine, which would show the token", { url: "http://locks.example", token: TOKEN }, "url"],
  ["http to a name that begins like this machine's address", { url: "http://127.example.com", token: TOKEN }, "url"],
  ["a password in the URL", { url: "https://me:secret@locks.example", token: TOKEN }, "url"],
  ["a query", { url: `${url}?x=1`, token: TOKEN }, "url"],
  ["no token", { url }, "token"],
  ["an empty token", { url, token: "" }, "token"],
  ["a token that would end the header", { url, token: "a\r\nb" }, "token"],
  ["a fetch that is none", { url, token: TOKEN, fetch: 1 }, "fetch"],
  ["null as fetch", { url, token: TOKEN, fetch: null }, "fetch"],
  ["an object without fetch", { url, token: TOKEN, fetch: { fetch: 1 } }, "fetch"],
  ["an option that there is not", { url, token: TOKEN, timeout: 1 }, "timeout"],
])("G9 connectLocks refuses %s.", (_name, options, argument) => {
  let error: unknown;
  try {
    connectLocks(options as ConnectOptions);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument });
  expect(String(error)).not.toMatch(/secret|a-token|a\r\nb/);
});

it.each(["http://localhost:8787", "http://127.0.0.1:8787/", "http://[::1]:1", "https://locks.example/mounted/here/"])(
  "connectLocks connects to %s without a request.",
  (given) => {
    const { lock } = connectLocks({ url: given, token: TOKEN, fetch: () => Promise.reject(new Error("asked")) });
    expect(lock("a").id).toBe("a");
  },
);

it("connectLocks asks under the path that the service is mounted on, with the id in one segment.", async () => {
  const asked: string[] = [];
  const { lock } = connectLocks({
    url: "https://locks.example/mounted/",
    token: TOKEN,
    fetch: async (input) => {
      asked.push(new Request(input).url);
      const headers = { [PROTOCOL_HEADER]: String(PROTOCOL) };
      return Response.json({ locked: false, holders: [], waiters: [] }, { headers });
    },
  });
  await lock("a/b?c#d é").status();
  expect(asked).toEqual(["https://locks.example/mounted/v1/locks/a%2Fb%3Fc%23d%20%C3%A9"]);
});

it.each([".", ".."])("G9 connectLocks refuses the id %j, which no URL can name.", async (id) => {
  const { lock } = connectLocks({ url, token: TOKEN });
  expect(await failureOf(Promise.resolve().then(() => lock(id)))).toMatchObject({
    code: "INVALID_ARGUMENT",
    argument: "id",
  });
});
