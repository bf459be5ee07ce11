import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { connectLocks } from "../../../src/client.ts";
import { TOKEN } from "../../support/http.ts";
import { failureOf, freshId, lockOf } from "../../support/locks.ts";

/** What an entry of `env` is that is bound to a service: here this very Worker. */
const LOCKS: Fetcher = exports.default;
const url = "https://locks.example";
/** As `env.LOCKS.fetch` is: without what it belongs to. */
const detached: typeof fetch = Reflect.get(LOCKS, "fetch");

describe("a service binding as the way to a lock service", () => {
  it.each([
    ["whole", LOCKS],
    ["as a function that calls it", (...args: Parameters<typeof fetch>) => LOCKS.fetch(...args)],
  ])("works %s", async (_form, fetch) => {
    const id = freshId();
    const { lock } = connectLocks({ url, token: TOKEN, fetch });
    expect(await lock(id).withLock(async () => await lockOf(id).isLocked())).toBe(true);
    expect(await lockOf(id).isLocked()).toBe(false);
  });

  it("G11 whose method was taken off it is refused with the two forms that work, at once", async () => {
    let calls = 0;
    // Called as connectLocks calls what it is given: on nothing.
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

  it("G11 whose method was taken off it is refused by acquires as well", async () => {
    const { lock } = connectLocks({ url, token: TOKEN, fetch: detached });
    expect(await failureOf(lock("a").withLock(() => {}))).toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "fetch",
    });
  });
});
