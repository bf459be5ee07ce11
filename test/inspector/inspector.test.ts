import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser, Locator } from "playwright-core";
import { connectLocks } from "../../src/client.ts";
import { until } from "../cli/program.ts";
import { DevService } from "../cli/service.ts";
import { type Tab, faultsOf, follow, followLong, hasBrowser, launch, openTab, picture, signIn } from "./browser.ts";

const ALL = "token-that-may-do-all-things";
const READER = "token-that-may-only-read";
const LOCKER = "token-that-may-read-and-lock";
const TOKENS = JSON.stringify([
  { name: "all", token: ALL, actions: ["read", "lock", "admin"] },
  { name: "reader", token: READER, actions: ["read"] },
  { name: "locker", token: LOCKER, actions: ["read", "lock"] },
]);

/** As long as an id may be, and without a place for a line break. */
const LONG = `tenant-${"x".repeat(489)}-nightly-report!`;

const holds = async (card: Locator, text: string | RegExp) => {
  const has = async () => {
    const shown = (await card.textContent()) ?? "";
    return typeof text === "string" ? shown.includes(text) : text.test(shown);
  };
  await until(`the card says ${text}`, has).catch(async (error: unknown) => {
    throw new Error(`${String(error)} It says: ${await card.textContent()}`, { cause: error });
  });
};

describe("The page", { skip: !hasBrowser, concurrency: 3 }, () => {
  let service: DevService;
  let browser: Browser;
  const locks = () => connectLocks({ url: service.url, token: ALL });
  const open = async (token = ALL, options = {}): Promise<Tab> => {
    const tab = await openTab(browser, service.url, options);
    if (token !== "") await signIn(tab.page, token);
    return tab;
  };
  before(async () => {
    [service, browser] = await Promise.all([DevService.start(TOKENS), launch()]);
  });
  after(async () => {
    await browser.close();
    await service[Symbol.asyncDispose]();
  });

  test("The page admits no one with a wrong token, says so, and stores nothing of it.", async () => {
    await using tab = await open("a-wrong-token-of-some-length");
    await tab.page.getByText("The service does not know this token.").waitFor();
    assert.equal(await tab.page.evaluate(() => sessionStorage.length + localStorage.length), 0);
    assert.equal(await tab.page.getByLabel("Lock id").isVisible(), false);
    assert.deepEqual(tab.errors, []);
  });

  test("The page keeps the token for its tab only, until you sign out.", async () => {
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

  test("The page shows a lock's changes of hands live, with the queue, the countdown and the past events.", async () => {
    await using tab = await open();
    const { page } = tab;
    const lock = locks().lock("hands");
    const card = await follow(page, "hands");
    await holds(card, "Free");
    const first = await lock.hold({ owner: "worker-1", ttl: 20_000 });
    await holds(card, "Held");
    await holds(card, `worker-1lease ${first.lease}`);
    const second = lock.hold({ owner: "worker-2", wait: 20_000 });
    await holds(card, /Queue \(1\)\s*worker-2waiting for/);
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

  test("The page releases by force only after you confirm it.", async () => {
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

  test("The page copies a long id and the number of a forced release, whose button gets the focus.", async () => {
    await using tab = await open(ALL, { permissions: ["clipboard-read", "clipboard-write"] });
    const { page } = tab;
    const id = `f${LONG.slice(1)}`;
    const held = await locks().lock(id).acquire(60_000, { owner: "stuck" });
    assert.ok(held.success);
    const card = await followLong(page, id);
    const copied = async (what: string, text: string | null) => {
      await until(
        `the ${what} is copied`,
        async () => (await page.evaluate(() => navigator.clipboard.readText())) === text,
      );
      await until("it is said", async () => (await page.locator("#said").textContent()) === `Copied: ${what}`);
    };
    await card.getByRole("button", { name: "Copy id" }).click();
    await copied("id", id);
    const force = async () => {
      await card.getByRole("button", { name: /Force release/ }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Force release" }).click();
    };
    await force();
    await holds(card, "Released by force.");
    await holds(card, "Free");
    const number = await card.locator(".number").textContent();
    assert.ok(Number(number) > held.lease);
    const copy = card.getByRole("button", { name: "Copy number" });
    await until("the button has the focus", () => copy.evaluate((button) => button === document.activeElement));
    await picture(page, "forced");
    await page.keyboard.press("Enter");
    await copied("number", number);
    await locks().lock(id).acquire(60_000);
    await force();
    const next = async () => Number(await card.locator(".number").textContent());
    await until("it is another number", async () => (await next()) > Number(number));
    assert.deepEqual(tab.errors, []);
  });

  test("The page selects the text if the browser does not let it copy.", async () => {
    await using tab = await open("");
    const { page } = tab;
    await page.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await page.reload();
    await signIn(page, ALL);
    await followLong(page, LONG);
    await page.getByRole("button", { name: "Copy id" }).click();
    await until("it is selected", () => page.evaluate((id) => getSelection()?.toString() === id, LONG));
    await until("it is said", async () =>
      /not let the page copy/.test((await page.locator("#said").textContent()) ?? ""),
    );
    assert.deepEqual(tab.errors, []);
  });

  test("The page asks the holders to release, and says so.", async () => {
    await using tab = await open(LOCKER);
    let asked = 0;
    const held = await locks()
      .lock("asked")
      .hold({ owner: "busy", ttl: 60_000, onReleaseRequested: () => (asked += 1) });
    const card = await follow(tab.page, "asked");
    const ask = card.getByRole("button", { name: "Ask to release" });
    await ask.click();
    await holds(card, "The current holders are asked to release.");
    await holds(card, "busy, asked to release");
    await picture(tab.page, "asked");
    await held.renew();
    await until("the holder was asked", () => asked === 1);
    await ask.focus();
    await held.release();
    await holds(card, "Free");
    assert.equal(await ask.isVisible(), false);
    assert.ok(await card.evaluate((root) => root === document.activeElement), "the focus stays in the card");
    // Later events of the lock do not remove the answer.
    await holds(card, "The current holders are asked to release.");
    assert.deepEqual(tab.errors, []);
  });

  test("The page asks the holders to release even if it was loaded over plain http.", async () => {
    await using tab = await open(LOCKER);
    await tab.page.evaluate(() => Object.defineProperty(crypto, "randomUUID", { value: undefined }));
    await locks().lock("over plain http").acquire(60_000);
    const card = await follow(tab.page, "over plain http");
    await card.getByRole("button", { name: "Ask to release" }).click();
    await holds(card, "The current holders are asked to release.");
  });

  for (const [what, token, buttons, note] of [
    ["look", READER, [], true],
    ["look and lock", LOCKER, ["Ask to release"], false],
    ["do all", ALL, ["Ask to release", "Force release…"], false],
  ] as const)
    test(`For a held lock, the page offers a token that may ${what} only the actions that the token allows.`, async () => {
      await using tab = await open(token);
      const id = `offered to ${what}`;
      await locks().lock(id).acquire(60_000, { owner: "the holder" });
      const card = await follow(tab.page, id);
      await holds(card, "the holder");
      const offered = card.locator("footer").getByRole("button");
      assert.deepEqual(await offered.allTextContents(), buttons);
      assert.equal(await card.getByText("may look at this lock, but not release it").isVisible(), note);
      await picture(tab.page, `may ${what}`);
      await locks().lock(id).forceRelease();
      await holds(card, "Free");
      assert.deepEqual(await offered.allTextContents(), []);
      assert.deepEqual(tab.errors, []);
    });

  for (const [name, path] of [
    ["Ask to release", "request-release"],
    ["Force release…", "force-release"],
  ] as const)
    test(`The page says why the service refuses or can't be reached: ${name}.`, async () => {
      await using tab = await open();
      const { page } = tab;
      const lock = locks().lock(`refused ${path}`);
      await lock.acquire(60_000, { owner: "the holder" });
      const card = await follow(page, lock.id);
      await holds(card, "the holder");
      const press = async () => {
        await card.getByRole("button", { name }).click();
        if (path === "force-release")
          await page.getByRole("dialog").getByRole("button", { name: "Force release" }).click();
      };
      // The token seems to have lost its rights since the page loaded them.
      const problem = { status: 403, contentType: "application/problem+json", body: '{"detail":"Not any longer."}' };
      await page.route(`**/${path}`, (route) => route.fulfill(problem));
      await press();
      await holds(card, "Not any longer.");
      // Later events of the lock do not remove the answer.
      await lock.requestRelease();
      await holds(card, "asked to release");
      await holds(card, "Not any longer.");
      assert.equal(await card.locator(".number").isVisible(), false);
      await page.unroute(`**/${path}`);
      await page.route(`**/${path}`, (route) => route.abort());
      await press();
      await holds(card, "The service could not be reached");
      assert.equal(await lock.isLocked(), true);
    });

  test("The bar shows what is left of the ttl, and only a renewal fills it again.", async () => {
    await using tab = await open();
    const { page } = tab;
    const ttl = 30_000;
    const lock = locks().lock("bar");
    const held = await lock.acquire(ttl, { owner: "maybe dead" });
    assert.ok(held.success);
    const card = await follow(page, "bar");
    await holds(card, "maybe dead");
    const filled = () => card.locator("progress").evaluate((bar) => (bar as HTMLProgressElement).value);
    await until("the bar has run for a while", async () => (await filled()) < 0.85);
    const waiting = lock.acquire(1, { owner: "next", wait: 60_000 });
    await holds(card, /Queue \(1\)/);
    assert.ok((await filled()) < 0.95, "a waiter does not fill it");
    await page.reload();
    await holds(card, "maybe dead");
    assert.ok((await filled()) < 0.95, "to look again does not fill it");
    await holds(card, "not renewed yet");
    await picture(page, "bar");
    await lock.renew(held.lease, ttl);
    await holds(card, /last renewed \d s ago/);
    await until("the renewal fills it", async () => (await filled()) > 0.9);
    await lock.renew(held.lease, 2 * ttl);
    await until("the deadline is a minute away", async () => /5\d s left/.test((await card.textContent()) ?? ""));
    assert.ok((await filled()) > 0.85, "it is measured by the renewal's ttl");
    await lock.forceRelease();
    await waiting;
    assert.deepEqual(tab.errors, []);
  });

  test("The page shows the holders of an older object, which has no ttl and no renewal time.", async () => {
    await using tab = await open();
    const now = Date.now();
    const holder = {
      lease: 7,
      owner: "old",
      since: now,
      deadline: now + 60_000,
      exclusive: true,
      permits: 1,
      capacity: 1,
    };
    const status = { id: "older", locked: true, holders: [holder], waiters: [], now, timeline: [] };
    const body = `event: status\ndata: ${JSON.stringify(status)}\n\n`;
    await tab.page.route("**/older/events", (route) => route.fulfill({ contentType: "text/event-stream", body }));
    const card = await follow(tab.page, "older");
    await holds(card, /old.*held.*left/);
    assert.deepEqual(
      [await card.locator("progress").isVisible(), await card.locator(".renewed").textContent()],
      [false, ""],
    );
    assert.deepEqual(tab.errors, []);
  });

  test("The page names its host in the title and the heading, even before you sign in.", async () => {
    await using tab = await open("");
    const { host } = new URL(service.url);
    assert.match(await tab.page.title(), new RegExp(`^${host}`));
    assert.equal(await tab.page.getByRole("heading", { level: 1 }).textContent(), `Locks at ${host}`);
  });

  for (const [name, options] of Object.entries({
    phone: { colorScheme: "light", viewport: { width: 360, height: 740 } },
    "dark phone": { colorScheme: "dark", viewport: { width: 360, height: 740 } },
    wide: { colorScheme: "light" },
  } as const))
    test(`The page shortens a long id and long owners, and can show them whole: ${name}.`, async () => {
      await using tab = await open(ALL, options);
      const { page } = tab;
      const id = `${name[0]}${LONG.slice(1)}`;
      const lock = locks().lock(id);
      const owner = `owner-${"o".repeat(500)}-end`;
      const held = await lock.acquire(60_000, { owner });
      assert.ok(held.success);
      const waiting = lock.acquire(1, { owner, wait: 30_000 });
      const card = await followLong(page, id);
      const heading = card.getByRole("heading", { level: 2 });
      await holds(card, "Queue (1)");
      const fits = async (what: string) => {
        assert.deepEqual(await faultsOf(page), [], what);
        const wide = await card.evaluate((root) =>
          [...root.querySelectorAll("*")]
            .filter((node) => node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 0)
            .map((node) => node.className || node.tagName),
        );
        assert.deepEqual(wide, [], `${what}: nothing in the card overflows`);
        await picture(page, `long-${name}-${what}`);
      };
      const lines = () =>
        heading.evaluate(
          (node) => node.getBoundingClientRect().height / Number.parseFloat(getComputedStyle(node).lineHeight),
        );
      assert.ok((await lines()) < 2.5, `the id takes ${await lines()} lines`);
      const shown = (await heading.textContent()) ?? "";
      assert.ok(shown.startsWith(id.slice(0, 20)) && shown.endsWith(id.slice(-10)) && shown.includes("…"), shown);
      assert.equal((await card.textContent())?.includes(owner), false);
      await fits("short");
      await card.getByRole("button", { name: "Show whole id" }).press("Enter");
      assert.equal(await heading.textContent(), id);
      const whole = card.locator(".holders").getByRole("button", { name: "Show whole name" });
      await whole.press("Enter");
      await holds(card, owner);
      await fits("whole");
      // A renewal does not replace the row, so its reader loses neither the scroll position nor the focus.
      await lock.renew(held.lease, 60_000);
      await holds(card, /last renewed \d+ s ago/);
      const shorten = card.locator(".holders").getByRole("button", { name: "Shorten name" });
      assert.ok(await shorten.evaluate((button) => button === document.activeElement));
      await card.getByRole("button", { name: "Shorten id" }).click();
      assert.equal(await heading.textContent(), shown);
      await card.getByRole("button", { name: /Force release/ }).click();
      await fits("dialog");
      await page.getByRole("dialog").getByRole("button", { name: "Force release" }).click();
      await holds(card, "Released by force.");
      await fits("forced");
      await waiting;
      assert.deepEqual(tab.errors, []);
    });

  test("The page shows HTML in ids and owners as text.", async () => {
    await using tab = await open();
    const id = `<img src=x onerror="document.title='hacked'">`;
    await locks().lock(id).acquire(60_000, { owner: "<script>document.title='hacked'</script><b>me</b>" });
    const card = await follow(tab.page, id);
    await holds(card, "<b>me</b>");
    assert.equal(await tab.page.locator("article img, article script, article b").count(), 0);
    assert.match(await tab.page.title(), / – locks$/);
    assert.deepEqual([tab.errors, tab.strays], [[], []]);
  });

  test("The page follows the ids of a link, and puts the followed ids in the address.", async () => {
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

  test("The page keeps the order of the locks when it is reloaded, and accepts a link that is cut off.", async () => {
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

  test("The page counts the waiters and shows the first hundred.", async () => {
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

  test("The page suggests ids that were used if the index is on.", async () => {
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
    test(`The page has no serious accessibility issue (${name}) and fits the width.`, async () => {
      await using tab = await open("", options);
      const { page } = tab;
      const styled = await page.evaluate(
        () => getComputedStyle(document.querySelector("#said") ?? document.body).position,
      );
      assert.equal(styled, "absolute", "the style sheet is in force");
      const check = async (what: string) => {
        assert.deepEqual(await faultsOf(page), [], what);
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
      // A remaining waiter would keep this process alive for the rest of its wait.
      await page.getByRole("dialog").getByRole("button", { name: "Force release" }).click();
      await Promise.all(waiting);
      await holds(card, "Released by force.");
      await holds(card, "Free");
      await check("forced");
    });

  test("The page can be used by keyboard alone.", async () => {
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
    await until("the button that copies has the focus", () =>
      page.evaluate(() => document.activeElement?.textContent === "Copy number"),
    );
    await page.keyboard.press("Enter");
    await locks().lock("keys").acquire(60_000);
    await card.getByRole("button", { name: "Ask to release" }).waitFor();
    // Backwards: past the button that releases by force.
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Shift+Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Ask to release");
    await page.keyboard.press("Enter");
    await holds(card, "The current holders are asked to release.");
  });
});

describe("The page when the service fails", { skip: !hasBrowser }, () => {
  test("The page says that the connection is lost, and goes on when the service is back.", async () => {
    await using service = await DevService.start(TOKENS);
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
