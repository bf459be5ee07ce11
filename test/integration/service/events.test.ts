import { expect, it } from "vitest";
import { freshId, stubOf } from "../../support/locks.ts";
import { at, send, TOKENS } from "./calls.ts";

/** The events of a stream, as they come. */
async function* eventsOf(response: Response): AsyncGenerator<{ event: string; data: Record<string, unknown> }> {
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream());
  let text = "";
  for await (const chunk of reader) {
    text += chunk;
    for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
      const [, event = "", data = ""] = /^event: (.*)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
      text = text.slice(end + 2);
      if (event !== "") yield { event, data: JSON.parse(data) };
    }
  }
}

it("The event stream sends the status as it changes, with the events that led to it.", async () => {
  const id = freshId();
  const response = await send(at(id, "events"), { token: TOKENS.reader });
  expect(response.headers.get("Content-Type")).toBe("text/event-stream");
  expect(response.headers.get("Token-Actions")).toBe("read");
  const events = eventsOf(response);
  expect((await events.next()).value).toMatchObject({ event: "status", data: { id, locked: false, timeline: [] } });
  const granted = await stubOf(id).acquire(60_000, { owner: "one", permits: 1, capacity: Infinity });
  const lease = granted.success ? granted.lease : 0;
  expect((await events.next()).value?.data).toMatchObject({
    locked: true,
    holders: [{ lease, owner: "one", capacity: "unlimited" }],
    timeline: [{ lease, owner: "one", what: "granted" }],
  });
  await stubOf(id).release(lease);
  expect((await events.next()).value?.data).toMatchObject({
    locked: false,
    timeline: [{}, { lease, what: "released" }],
  });
  await events.return(undefined);
});

it.each([
  ["all", "read, lock, admin"],
  ["ours", "read, lock, admin"],
  ["reader", "read"],
] as const)("The event stream says what the token may do with the lock: %s.", async (token, actions) => {
  const response = await send(at(`ours/${freshId()}`, "events"), { token: TOKENS[token] });
  expect(response.headers.get("Token-Actions")).toBe(actions);
  await response.body?.cancel();
});

it("The event stream skips to the last of many changes in quick succession.", async () => {
  const id = freshId();
  const events = eventsOf(await send(at(id, "events")));
  await events.next();
  for (let round = 0; round < 20; round += 1) {
    const granted = await stubOf(id).acquire(60_000);
    if (granted.success) await stubOf(id).release(granted.lease);
  }
  let seen = 0;
  let last: Record<string, unknown> = {};
  while ((last["timeline"] as unknown[] | undefined)?.length !== 40) {
    last = (await events.next()).value?.data ?? {};
    seen += 1;
  }
  expect(seen).toBeLessThan(20);
  await events.return(undefined);
});
