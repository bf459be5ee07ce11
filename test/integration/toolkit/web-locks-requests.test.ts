import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { freshId, leaseOf, lockOf, untilWaiting } from "../../support/locks.ts";

/** Sends a separate request to the test Worker, which uses its module-level manager. */
async function ask(id: string, params: Record<string, string> = {}): Promise<unknown> {
  const response = await exports.default.fetch(`http://worker/web-locks?${new URLSearchParams({ id, ...params })}`);
  const text = await response.text();
  return text === "gone" ? text : JSON.parse(text);
}

const inOrder = { order: [1, 2, 3] };

describe.concurrent("A module-level LockManager", () => {
  it("G4: A module-level manager serves consecutive requests, each in its order.", async () => {
    const id = freshId();
    expect(await ask(id)).toMatchObject(inOrder);
    expect(await ask(id)).toMatchObject(inOrder);
  });

  it("G4: A module-level manager serves overlapping requests, each in its order, and query lists them all.", async () => {
    const [id, gate] = [freshId(), freshId()];
    const closed = await leaseOf(lockOf(gate).acquire(60_000));
    const first = ask(id, { gate });
    await untilWaiting(id, 2);
    const second = ask(id, { gate });
    await untilWaiting(id, 5);
    await lockOf(gate).release(closed);
    const lock = { name: id, mode: "exclusive" };
    expect(await first).toMatchObject({ ...inOrder, listed: { held: [lock], pending: [lock, lock] } });
    expect(await second).toMatchObject({ ...inOrder, listed: { held: [lock] } });
  });

  it("G8: A module-level manager is not held up by a request that died before its calls arrived.", async () => {
    const [id, manager] = [freshId(), freshId()];
    const lease = await leaseOf(lockOf(id).acquire(60_000));
    expect(await ask(id, { die: "", manager })).toBe("gone");
    const second = ask(id, { manager });
    await lockOf(id).release(lease);
    expect(await second).toMatchObject(inOrder);
  });

  it("Through a module-level manager, one request can steal a lock that another request holds.", async () => {
    const [id, gate] = [freshId(), freshId()];
    const closed = await leaseOf(lockOf(gate).acquire(60_000));
    const first = ask(id, { gate });
    await untilWaiting(id, 2);
    const thief = ask(id, { gate, steal: "1" });
    await untilWaiting(id, 4);
    await lockOf(gate).release(closed);
    expect(await thief).toMatchObject({ ...inOrder, failed: [] });
    expect(await first).toMatchObject({ ...inOrder, failed: [expect.stringContaining("AbortError")] });
  });
});
