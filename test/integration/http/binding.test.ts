import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { connectLocks } from "../../../src/client.ts";
import { TOKEN } from "../../support/http.ts";
import { failureOf, freshId, lockOf } from "../../support/locks.ts";

/** A service binding as `env` has it; here it is bound to this Worker itself. */
const LOCKS: Fetcher = exports.default;
const url = "https://locks.example";
/** A detached method, as `env.LOCKS.fetch` is. */
const detached: typeof fetch = Reflect.get(LOCKS, "fetch");

describe("A service binding as the transport", () => {
  it.each([
    ["whole", LOCKS],
    ["as a function that calls it", (...args: Parameters<typeof fetch>) => LOCKS.fetch(...args)],
  ])("A service binding works %s.", async (_form, fetch) => {
    const id = freshId();
    const { lock } = connectLocks({ url, token: TOKEN, fetch });
    expect(await lock(id).withLock(async () => await lockOf(id).isLocked())).toBe(true);
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("G11: A fetch method detached from its binding is refused at once, with the two forms that work.", async () => {
    let calls = 0;
    // connectLocks calls the given function without a receiver.
    const counted: typeof fetch = (...args) => {
      calls += 1;
      return detached(...args);
    };
    for (const fetch of [detached, counted]) {
      const { lock } = connectLocks({ url, token: TOKEN, fetch });
      expect(await failureOf(lock("a").status())).toMatchObject({
        code: "INVALID_ARGUMENT",
        argument: "fetch",
        message: expect.stringMatching(/fetch: env\.LOCKS, .*fetch: \(\.\.\.args\) => env\.LOCKS\.fetch\(\.\.\.args\)/),
      });
    }
    expect(calls).toBe(1);
  });

  it("G11: Acquires also refuse a fetch method that is detached from its binding.", async () => {
    const { lock } = connectLocks({ url, token: TOKEN, fetch: detached });
    expect(await failureOf(lock("a").withLock(() => {}))).toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "fetch",
    });
  });
});
