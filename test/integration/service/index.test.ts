import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { freshId } from "../../support/locks.ts";
import { ORIGIN, TOKENS, ask, at, send, serviceWith } from "./calls.ts";

const to = serviceWith({ index: env.LOCK_INDEX });

async function listed(prefix: string, query = ""): Promise<string[]> {
  const { body } = await ask(`/v1/locks?prefix=${encodeURIComponent(prefix)}${query}`, { to });
  return body["ids"] as unknown as string[];
}

const use = async (id: string, service = to) => {
  expect((await send(at(id, "acquire"), { to: service, body: { ttl: 1_000 } })).status).toBe(200);
};

it("The index lists used ids by prefix, in order and page by page.", async () => {
  const prefix = freshId();
  const ids = ["a", "b/1", "b/2", "c:1", "é", "\u{ffff}", "\u{1f512}"].map((end) => `${prefix}${end}`);
  for (const id of ids) await use(id);
  await vi.waitFor(async () => expect(await listed(prefix)).toEqual(ids));
  expect(await listed(`${prefix}b/`)).toEqual(ids.slice(1, 3));
  const first = await ask(`/v1/locks?prefix=${prefix}&limit=4`, { to });
  expect(first.body).toEqual({ ids: ids.slice(0, 4), cursor: ids[3] });
  expect(await listed(prefix, `&limit=4&cursor=${encodeURIComponent(ids[3] as string)}`)).toEqual(ids.slice(4));
});

it("The index gets an id once, however often it is used.", async () => {
  const id = freshId("once/");
  const add = vi.spyOn(env.LOCK_INDEX, "getByName");
  await use(id);
  await vi.waitFor(async () => expect(await listed(id)).toEqual([id]));
  const calls = add.mock.calls.length;
  await send(at(id, "force-release"), { to, body: {} });
  await use(id);
  expect(add.mock.calls.length).toBe(calls);
  add.mockRestore();
});

it("An id that could not be indexed is indexed with its next use.", async () => {
  const id = freshId("later/");
  const error = vi.spyOn(console, "error").mockImplementation(() => {});
  let down = true;
  const index = {
    getByName: (name: string) =>
      down ? { add: () => Promise.reject(new Error("down")) } : env.LOCK_INDEX.getByName(name),
  };
  const service = serviceWith({ index: index as unknown as typeof env.LOCK_INDEX });
  await use(id, service);
  await vi.waitFor(() => expect(error).toHaveBeenCalled());
  down = false;
  await send(at(id, "force-release"), { to: service, body: {} });
  await use(id, service);
  await vi.waitFor(async () => expect(await listed(id)).toEqual([id]));
  error.mockRestore();
});

/** An index that does not answer a call until `answer` is called. */
function slowIndex() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const index = { getByName: () => ({ add: () => promise }) } as unknown as typeof env.LOCK_INDEX;
  return { index, isListed: promise, answer: resolve };
}

function acquisition(): Request {
  const headers = { Authorization: `Bearer ${TOKENS.all}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ ttl: 1_000 });
  return new Request(ORIGIN + at(freshId(), "acquire"), { method: "POST", headers, body });
}

it("If the request comes with a context, a grant does not wait for the index.", async () => {
  const { index, answer } = slowIndex();
  const waitUntil = vi.fn<(promise: Promise<unknown>) => void>();
  const response = await serviceWith({ index }).fetch(acquisition(), { waitUntil });
  expect([response.status, waitUntil.mock.calls.length]).toEqual([200, 1]);
  answer();
  await waitUntil.mock.calls[0]?.[0];
});

it.for([["no context", undefined] as const, ["an environment in its place", env as never] as const])(
  "The first grant of an id waits for the index if the request comes with %s.",
  async ([, ctx]) => {
    const { index, isListed, answer } = slowIndex();
    const order: string[] = [];
    const response = serviceWith({ index }).fetch(acquisition(), ctx);
    void response.then(() => order.push("granted"));
    void isListed.then(() => order.push("listed"));
    await scheduler.wait(200);
    answer();
    expect((await response).status).toBe(200);
    expect(order).toEqual(["listed", "granted"]);
  },
);

it("A grant goes ahead without the index if that does not answer within a second.", async () => {
  const { index } = slowIndex();
  expect((await serviceWith({ index }).fetch(acquisition())).status).toBe(200);
});

it("The index forgets an id that was not used for 30 days.", async () => {
  const stub = env.LOCK_INDEX.getByName("a shard of its own");
  await stub.add("old");
  await stub.add("new");
  await runInDurableObject(stub, (_index, { storage }) => storage.sql.exec("UPDATE ids SET seen = 1 WHERE id = 'old'"));
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  expect(await stub.list("", "", 10)).toEqual(["new"]);
});

it("The list needs a token that covers the prefix, and says how to turn the index on if it is off.", async () => {
  expect((await ask("/v1/locks?prefix=", { to, token: TOKENS.ours })).status).toBe(403);
  expect((await ask("/v1/locks?prefix=our", { to, token: TOKENS.ours })).status).toBe(403);
  expect((await ask("/v1/locks?prefix=ours%2F", { to, token: TOKENS.ours })).status).toBe(200);
  const { status, body } = await ask("/v1/locks");
  expect([status, body.reason]).toEqual([501, "NOT_IMPLEMENTED"]);
  expect(body["detail"]).toContain("LOCK_INDEX");
});
