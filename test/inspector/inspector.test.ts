import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import type { Browser, Locator } from "playwright-core";
import { connectLocks } from "../../src/client.ts";
import { until } from "../cli/program.ts";
import { Service } from "../cli/service.ts";
import { type Tab, follow, hasBrowser, launch, openTab, picture, signIn } from "./browser.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const ALL = "token-that-may-do-all-things";
const READER = "token-that-may-only-read";
const TOKENS = JSON.stringify([
  { name: "all", token: ALL, actions: ["read", "lock", "admin"] },
  { name: "reader", token: READER, actions: ["read"] },
]);

const holds = async (card: Locator, text: string | RegExp) => {
  const has = async () => {
    const shown = (await card.textContent()) ?? "";
    return typeof text === "string" ? shown.includes(text) : text.test(shown);
  };
  await until(`the card says ${text}`, has).catch(async (error: unknown) => {
    throw new Error(`${String(error)} It says: ${await card.textContent()}`, { cause: error });
  });
};

describe("the page", { skip: !hasBrowser, concurrency: 3 }, () => {
  let service: Service;
  let browser: Browser;
  const locks = () => connectLocks({ url: service.url, token: ALL });
  const open = async (token = ALL, options = {}): Promise<Tab> => {
    const tab = await openTab(browser, service.url, options);
    if (token !== "") await signIn(tab.page, token);
    return tab;
  };
  before(async () => {
    [service, browser] = await Promise.all([Service.start(TOKENS), launch()]);
  });
  after(async () => {
    await browser.close();
    await service[Symbol.asyncDispose]();
  });

  test("lets nobody in with a wrong token, says so, and keeps nothing of it", async () => {
    await using tab = await open("a-wrong-token-of-some-length");
    await tab.page.getByText("This token is not known here.").waitFor();
    assert.equal(await tab.page.evaluate(() => sessionStorage.length + localStorage.length), 0);
    assert.equal(await tab.page.getByLabel("Lock id").isVisible(), false);
    assert.deepEqual(tab.errors, []);
  });

  test("keeps the token for the tab only, until signed out", async () => {
    await using tab = await open();
    await tab.page.getByLabel("Lock id").waitFor();
    await tab.page.reload();
    await tab.page.getByLabel("Lock id").waitFor();
    const other = await tab.page.context().newPage();
    await other.goto(service.url);
    assert.equal(await other.getByLabel("Token").isVisible(), true);
    await tab.page.getByRole("button", { name: "Sign out" }).click();
    await tab.page.getByLabel("Token").waitFor();
    assert.equal(await tab.page.evaluate(() => sessionStorage.length), 0);
  });

  test("shows a lock change hands as it happens, the queue, the countdown, and what happened", async () => {
    await using tab = await open();
    const { page } = tab;
    const lock = locks().lock("hands");
    const card = await follow(page, "hands");
    await holds(card, "Free");
    const first = await lock.hold({ owner: "worker-1", ttl: 20_000 });
    await holds(card, "Held");
    await holds(card, `worker-1lease ${first.lease}`);
    const second = lock.hold({ owner: "worker-2", wait: 20_000 });
    await holds(card, /Queue \(1\)\s*worker-2waits/);
    const left = async () => Number(/(\d+) s left/.exec((await card.textContent()) ?? "")?.[1]);
    const now = await left();
    await until("the countdown goes on", async () => (await left()) < now);
    await picture(page, "light");
    await first.release();
    await holds(card, /Held by\s*worker-2lease/);
    await holds(card, "Released: worker-1");
    await (await second).release();
    await holds(card, "Free");
    await lock.acquire(300, { owner: "worker-3" });
    await holds(card, "Expired: worker-3");
    assert.deepEqual([tab.errors, tab.strays], [[], []]);
  });

  test("releases by force once that is confirmed, and not before", async () => {
    await using tab = await open();
    const { page } = tab;
    const held = await locks().lock("forced").hold({ owner: "stuck" });
    const card = await follow(page, "forced");
    await card.getByRole("button", { name: /Force release/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("forced").waitFor();
    await picture(page, "dialog");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    assert.equal(await locks().lock("forced").isLocked(), true);
    await card.getByRole("button", { name: /Force release/ }).click();
    await dialog.getByRole("button", { name: "Force release" }).click();
    await holds(card, "Free");
    await holds(card, "Ended by force: stuck");
    await until("the holder learns of it", async () => (await held.renew().catch(() => {}), held.isLost()));
    assert.deepEqual(tab.errors, []);
  });

  test("says it plainly if the token may not release by force", async () => {
    await using tab = await open(READER);
    await locks().lock("kept").acquire(60_000);
    const card = await follow(tab.page, "kept");
    await card.getByRole("button", { name: /Force release/ }).click();
    await tab.page.getByRole("dialog").getByRole("button", { name: "Force release" }).click();
    await holds(card, 'does not allow "admin"');
    // News of the lock does not take the answer away.
    await locks()
      .lock("kept")
      .acquire(1_000, { wait: 30_000, owner: "next", signal: AbortSignal.timeout(500) })
      .catch(() => {});
    await until("the queue was told", async () => !(await card.locator(".queueing").isVisible()));
    await holds(card, 'does not allow "admin"');
    assert.equal(await locks().lock("kept").isLocked(), true);
  });

  test("shows HTML in ids and owners as text", async () => {
    await using tab = await open();
    const id = `<img src=x onerror="document.title='hacked'">`;
    await locks().lock(id).acquire(60_000, { owner: "<script>document.title='hacked'</script><b>me</b>" });
    const card = await follow(tab.page, id);
    await holds(card, "<b>me</b>");
    assert.equal(await tab.page.locator("article img, article script, article b").count(), 0);
    assert.equal(await tab.page.title(), "Locks");
    assert.deepEqual([tab.errors, tab.strays], [[], []]);
  });

  test("follows the ids of a link, and puts those that are followed in the address", async () => {
    await using tab = await open();
    await follow(tab.page, "a/b & c");
    await follow(tab.page, "other");
    const link = tab.page.url();
    await using linked = await openTab(browser, link);
    await signIn(linked.page, ALL);
    await linked.page.getByRole("article", { name: "a/b & c", exact: true }).waitFor();
    await linked.page.getByRole("article", { name: "other" }).getByRole("button", { name: "Unfollow" }).click();
    assert.match(linked.page.url(), /#a%2Fb%20%26%20c$/);
  });

  test("keeps the order of the locks when loaded again, and stands a link that is cut off", async () => {
    await using tab = await open();
    for (const id of ["first", "second", "third"]) await follow(tab.page, id);
    const order = async () => tab.page.locator("article h2").allTextContents();
    const first = await order();
    await tab.page.reload();
    await until("all are there again", async () => (await order()).length === 3);
    assert.deepEqual(await order(), first);
    await tab.page.goto(`${service.url}/#cut%2`);
    await tab.page.reload();
    await tab.page.getByRole("article", { name: "cut%2" }).waitFor();
    assert.deepEqual(tab.errors, []);
  });

  test("says how many hold and wait, and shows the first hundred", async () => {
    await using tab = await open();
    const lock = locks().lock("crowd");
    await lock.acquire(60_000, { owner: "holder" });
    const stop = new AbortController();
    const waiting = Array.from({ length: 101 }, () =>
      lock.acquire(1_000, { wait: 30_000, signal: stop.signal }).catch(() => {}),
    );
    const card = await follow(tab.page, "crowd");
    await holds(card, "Queue (101, the first 100)");
    assert.equal(await card.locator(".waiters li").count(), 100);
    stop.abort();
    await Promise.all(waiting);
  });

  test("suggests ids that were used, where the index is on", async () => {
    await using tab = await open();
    await locks().lock("suggested/one").acquire(1_000);
    await until("the index knows it", async () => {
      await tab.page.getByLabel("Lock id").fill("");
      await tab.page.getByLabel("Lock id").pressSequentially("sugg");
      return tab.page.locator("#ids option[value='suggested/one']").count();
    });
  });

  for (const [name, options] of Object.entries({
    light: { colorScheme: "light" },
    dark: { colorScheme: "dark" },
    phone: { colorScheme: "light", viewport: { width: 360, height: 740 } },
  } as const))
    test(`has no serious issue of accessibility, ${name}, and fits the width`, async () => {
      await using tab = await open("", options);
      const { page } = tab;
      const styled = await page.evaluate(
        () => getComputedStyle(document.querySelector("#said") ?? document.body).position,
      );
      assert.equal(styled, "absolute", "the style sheet is in force");
      const check = async (what: string) => {
        // Evaluated by the debugger, past the policy of the page, which lets in no script of ours.
        await page.evaluate(AXE);
        const found = await page.evaluate("axe.run()");
        const { violations } = found as { violations: { id: string; impact: string; nodes: { html: string }[] }[] };
        const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
        assert.deepEqual(
          serious.map(({ id, nodes }) => [what, id, nodes[0]?.html]),
          [],
        );
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${what} is ${overflow} px too wide`);
        await picture(page, `${name}-${what}`);
      };
      await check("sign-in");
      await signIn(page, ALL);
      await page.getByLabel("Lock id").waitFor();
      await check("empty");
      const lock = locks().lock(`access-${name}`);
      const card = await follow(page, `access-${name}`);
      await holds(card, "Free");
      await lock.acquire(200, { owner: "the one before, whose name is rather long for a phone" });
      await holds(card, "Expired");
      await lock.acquire(60_000, { owner: "deploy of main by the pipeline" });
      const waiting = [lock.acquire(1, { owner: "next", wait: 30_000 }), lock.acquire(1, { wait: 30_000 })];
      await holds(card, "Queue (2)");
      await check("held");
      await card.getByRole("button", { name: /Force release/ }).click();
      await check("dialog");
      // A waiter that is left behind would keep this process alive for the rest of its wait.
      await lock.forceRelease();
      await Promise.all(waiting);
    });

  test("can be used by keyboard alone", async () => {
    await using tab = await openTab(browser, service.url);
    const { page } = tab;
    await page.getByLabel("Token").focus();
    await page.keyboard.type(ALL);
    await page.keyboard.press("Enter");
    await page.getByLabel("Lock id").waitFor();
    await until("the field has the focus", () => page.evaluate(() => document.activeElement?.id === "id"));
    await locks().lock("keys").acquire(60_000);
    await page.keyboard.type("keys");
    await page.keyboard.press("Enter");
    const card = page.getByRole("article", { name: "keys" });
    await holds(card, "Held");
    await card.getByRole("button", { name: /Force release/ }).press("Enter");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await holds(card, "Free");
  });
});

describe("the page, when the service fails", { skip: !hasBrowser }, () => {
  test("says that the connection is lost, and goes on when the service is back", async () => {
    await using service = await Service.start(TOKENS);
    const browser = await launch();
    try {
      await using tab = await openTab(browser, service.url);
      await signIn(tab.page, ALL);
      const card = await follow(tab.page, "outage");
      await holds(card, "Free");
      await service.kill();
      await holds(card, "Connection lost");
      await picture(tab.page, "lost");
      await service.restart();
      await connectLocks({ url: service.url, token: ALL }).lock("outage").acquire(60_000, { owner: "after" });
      await holds(card, "after");
      assert.doesNotMatch((await card.textContent()) ?? "", /Connection lost/);
      assert.deepEqual(tab.errors, []);
    } finally {
      await browser.close();
    }
  });
});
