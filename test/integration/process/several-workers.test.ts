// Two Workers that share one set of locks, as docs/several-workers.md describes, and two with separate sets.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { filesOf } from "../../support/page-files.ts";
import { type Session, layOut, startSession } from "./session.ts";

const PAGE = await filesOf("several-workers.md");
const user = await readFile(join(import.meta.dirname, "user.ts"), "utf8");
const named = (name: string) => `"name": "${name}"`;

/** The page's two Workers, and a third with the shop's binding. Requests tell shop and billing what to do. */
async function startOneSet(): Promise<Session> {
  const config = PAGE["shop/wrangler.jsonc"] ?? "";
  const folder = await layOut({
    ...PAGE,
    "shop/src/index.ts": user,
    "billing/src/index.ts": user,
    "billing/wrangler.jsonc": config.replace(named("shop"), named("billing")),
  });
  return startSession(folder, ["shop/wrangler.jsonc", "billing/wrangler.jsonc", "locks/wrangler.jsonc"]);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(5);
}

interface Acquired {
  success: boolean;
  reason?: string;
  lease: number;
}

test("The two Workers of the documentation page run under one lock.", async () => {
  const folder = await layOut(PAGE);
  await using session = await startSession(folder, ["shop/wrangler.jsonc", "locks/wrangler.jsonc"]);
  const texts = await Promise.all([1, 2, 3].map(() => session.read("shop", "job")));
  const leases = texts.map((text) => /^did \/job under lease (\d+)\n$/.exec(text)?.[1]);
  assert.equal(new Set(leases).size, 3, texts.join(""));
  assert.ok(!leases.includes(undefined), texts.join(""));
});

test(
  "While one Worker holds a lock, another is refused it, and lease numbers grow across both.",
  { timeout: 120_000 },
  async () => {
    await using session = await startOneSet();
    let newest = 0;
    for (const [holder, other] of [
      ["shop", "billing"],
      ["billing", "shop"],
      ["shop", "billing"],
    ] as const) {
      const { success, lease } = await session.ask<Acquired>(holder, "acquire?id=a");
      assert.ok(success);
      assert.ok(lease > newest, `${lease} after ${newest}`);
      newest = lease;
      assert.equal((await session.ask<Acquired>(other, "acquire?id=a")).reason, "BORROWED");
      assert.equal(await session.ask(holder, `release?id=a&lease=${lease}`), true);
    }
  },
);

test(
  "A waiting Worker gets the lock when the context of a releaseOnExit holder in another Worker ends.",
  { timeout: 120_000 },
  async () => {
    await using session = await startOneSet();
    const holding = session.ask<number>("shop", "hold?id=b");
    await until(async () => (await session.ask<number>("shop", "held?id=b")) > 0);
    const waiting = session.ask<number>("billing", "withLock?id=b");
    await until(async () => (await session.ask<number>("shop", "waiters?id=b")) === 1);
    await session.ask("shop", "end?id=b");
    // The lease lasts for ten minutes: nothing but the end of the holder's context can have freed the lock.
    assert.ok((await waiting) > (await holding));
  },
);

test("Two Workers that each export the class have separate locks: both get the same id at once.", async () => {
  const config = PAGE["locks/wrangler.jsonc"] ?? "";
  const own = `export { DurableLock } from "durable-locks";\n${user}`;
  const folder = await layOut({
    "one/wrangler.jsonc": config.replace(named("locks"), named("one")),
    "one/src/index.ts": own,
    "other/wrangler.jsonc": config.replace(named("locks"), named("other")),
    "other/src/index.ts": own,
  });
  await using session = await startSession(folder, ["one/wrangler.jsonc", "other/wrangler.jsonc"]);
  for (const worker of ["one", "other"])
    assert.equal((await session.ask<Acquired>(worker, "acquire?id=c")).success, true);
});
