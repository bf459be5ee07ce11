import { describe, expect, it } from "vitest";
import { freshId, stubOf } from "../../support/locks.ts";

async function get(id: string, path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await stubOf(id).fetch(`http://localhost${path}`);
  return { status: response.status, body: await response.json() };
}

describe("Plain requests to the object", () => {
  it("Plain requests acquire, renew, ask and release as older clients do.", async () => {
    const id = freshId();
    const { status, body } = await get(id, "/acquire?ttl=10000&lease=undefined");
    expect(status).toBe(200);
    expect(body).toMatchObject({ success: true, lease: expect.any(Number), deadline: expect.any(Number) });
    expect(await get(id, "/acquire?ttl=10000&lease=undefined")).toMatchObject({
      status: 200,
      body: { success: false, reason: "BORROWED" },
    });
    expect(await get(id, `/acquire?ttl=20000&lease=${body["lease"]}`)).toMatchObject({
      body: { lease: body["lease"] },
    });
    expect(await get(id, `/renew?ttl=20000&lease=${body["lease"]}`)).toMatchObject({ body: { lease: body["lease"] } });
    expect(await get(id, "/isLocked")).toEqual({ status: 200, body: true });
    expect(await get(id, `/release?lease=${body["lease"]}`)).toEqual({ status: 200, body: true });
    expect(await get(id, `/release?lease=${body["lease"]}`)).toMatchObject({ body: { reason: "NO_LONGER_VALID" } });
    expect(await get(id, "/isLocked")).toEqual({ status: 200, body: false });
  });

  it("A plain request takes permits, an owner and a request id, and the status hides the request id.", async () => {
    const id = freshId();
    await get(id, "/acquire?ttl=10000&permits=2&capacity=3&owner=me&requestId=secret");
    const { body } = await get(id, "/status");
    expect(body).toMatchObject({ locked: true, holders: [{ owner: "me", permits: 2, capacity: 3, exclusive: false }] });
    expect(JSON.stringify(body)).not.toContain("secret");
  });

  it("A plain request waits for the lock within one long poll.", async () => {
    const id = freshId();
    await get(id, "/acquire?ttl=60");
    expect(await get(id, "/acquire?ttl=1000&wait=5000")).toMatchObject({ body: { success: true } });
  });

  it("A plain request waits no longer than longPoll says, and keeps its queue entry.", async () => {
    const id = freshId();
    await get(id, "/acquire?ttl=10000");
    const waited = await get(id, "/acquire?ttl=1000&wait=20000&longPoll=20");
    expect(waited).toMatchObject({ status: 200, body: { reason: "BORROWED", waiting: 1 } });
  });

  it.each([
    ["/acquire", "ttl"],
    ["/acquire?ttl=", "ttl"],
    ["/acquire?ttl=abc", "ttl"],
    ["/acquire?ttl=1e3", "ttl"],
    ["/acquire?ttl=0x10", "ttl"],
    ["/acquire?ttl=%20100", "ttl"],
    ["/acquire?ttl=-1", "ttl"],
    ["/acquire?ttl=1.5", "ttl"],
    ["/acquire?ttl=Infinity", "ttl"],
    ["/acquire?ttl=86400001", "ttl"],
    ["/acquire?ttl=1000&ttl=2000", "ttl"],
    ["/acquire?ttl=1000&wait=-1", "wait"],
    ["/acquire?ttl=1000&wait=x", "wait"],
    ["/acquire?ttl=1000&owner=", "owner"],
    [`/acquire?ttl=1000&owner=${"x".repeat(513)}`, "owner"],
    [`/acquire?ttl=1000&requestId=${"x".repeat(513)}`, "requestId"],
    ["/acquire?ttl=1000&permits=2&capacity=1", "permits"],
    ["/acquire?ttl=1000&permits=2", "capacity"],
    ["/acquire?ttl=1000&typo=1", "typo"],
    ["/acquire?ttl=1000&__proto__=1", "__proto__"],
    ["/acquire?ttl=1000&once=x", "once"],
    ["/acquire?ttl=1000&caller=ci", "caller"],
    ["/release?lease=1&caller=", "caller"],
    ["/acquire?ttl=1000&protocol=2", "protocol"],
    ["/release?lease=1&protocol=", "protocol"],
    ["/acquire?ttl=1000&wait=10&longPoll=x", "longPoll"],
    ["/acquire?ttl=1000&lease=0", "lease"],
    ["/acquire?ttl=1000&lease=x", "lease"],
    ["/acquire?ttl=1000&lease=9007199254740993", "lease"],
    ["/renew?ttl=1000", "lease"],
    ["/release", "lease"],
    ["/release?lease=undefined", "lease"],
    ["/release?lease=1.5", "lease"],
  ])("G9 The plain request %s is refused with 400 and the argument, and changes nothing.", async (path, argument) => {
    const id = freshId();
    const { status, body } = await get(id, path);
    expect(status).toBe(400);
    expect(body).toMatchObject({ success: false, reason: "INVALID_ARGUMENT", argument });
    expect(body["message"]).toContain(argument);
    expect(await get(id, "/isLocked")).toEqual({ status: 200, body: false });
  });

  it.each(["/", "/Acquire", "/acquire/", "//acquire", "/constructor", "/__proto__", "/alarm", "/%00"])(
    "G9 The plain request %s is answered with 404.",
    async (path) => {
      expect((await get(freshId(), path)).status).toBe(404);
    },
  );
});
