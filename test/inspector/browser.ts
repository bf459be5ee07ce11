import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, type Page, chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** Whether there is a browser to test with. On CI there must be one. */
export const hasBrowser = existsSync(CHROMIUM);
if (!hasBrowser) {
  const how = "The page is tested in Chromium: `apt-get install chromium`, or name one in CHROMIUM.";
  if (process.env["CI"]) throw new Error(how);
  console.log(`${how} Skipped.`);
}

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });

/** A tab that records errors and requests that it must not make. */
export interface Tab extends AsyncDisposable {
  page: Page;
  /** Errors on the console, except those of requests that a test makes fail. */
  errors: string[];
  /** Requests to other origins. */
  strays: string[];
}

export async function openTab(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Tab> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const errors: string[] = [];
  const strays: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      errors.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("data:")) strays.push(request.url());
  });
  await page.goto(url);
  return { page, errors, strays, [Symbol.asyncDispose]: () => context.close() };
}

export async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
}

export async function follow(page: Page, id: string) {
  await page.getByLabel("Lock id").fill(id);
  await page.getByRole("button", { name: "Follow", exact: true }).click();
  return page.getByRole("article", { name: id, exact: true });
}

/** Follows a long id. Its card does not show the whole name, so it must be the only card. */
export async function followLong(page: Page, id: string) {
  await follow(page, id);
  return page.getByRole("article");
}

/** Serious accessibility issues, and how much the page is too wide. */
export async function faultsOf(page: Page): Promise<string[]> {
  // The debugger evaluates it, because the page's policy admits no script of ours.
  await page.evaluate(AXE);
  const { violations }: { violations: { id: string; impact: string; nodes: { html: string }[] }[] } =
    await page.evaluate("axe.run()");
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  return [
    ...serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
    ...(overflow > 0 ? [`It is ${overflow} px too wide.`] : []),
  ];
}

/** Saves a picture if PICTURES names a folder. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env["PICTURES"];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
