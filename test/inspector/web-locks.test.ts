import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createWebLocks } from "../../src/toolkit/web-locks/create-web-locks.ts";
import type { LockPrimitives } from "../../src/transport/primitives.ts";
import { memoryPrimitives } from "../support/memory-primitives.ts";
import { hasBrowser, launch, openTab } from "./browser.ts";
import { outcomesOf } from "./lock-manager-outcomes.ts";

/** Our manager, over locks in this process. */
function ourLocks(): LockManager {
  const known = new Map<string, LockPrimitives>();
  const primitivesOf = (name: string) => {
    const primitives = known.get(name) ?? memoryPrimitives(name);
    known.set(name, primitives);
    return primitives;
  };
  return createWebLocks(primitivesOf, undefined);
}

// Chromium and not Node: in Node 24.21 a callback that throws leaves its lock held.
test("A Web Locks manager behaves like navigator.locks of Chromium.", { skip: !hasBrowser }, async () => {
  // The tab needs a real page, because about:blank has no locks.
  const server = createServer((_request, response) => void response.end("<!doctype html>")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const browser = await launch();
  try {
    await using tab = await openTab(browser, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const expected = await tab.page.evaluate(outcomesOf, undefined);
    assert.deepEqual(await outcomesOf(ourLocks()), expected);
  } finally {
    await browser.close();
    server.close();
  }
});
