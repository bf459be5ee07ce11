// Replays of what users of other libraries reported. docs/correctness.md lists them: "Bugs of others, tried here".
import { describe, expect, it } from "vitest";
import { failureOf, freshId, lockOf, stubOf } from "../../support/locks.ts";

describe("w3c/web-locks#26", () => {
  it("a withLock inside a withLock of the same lock says that this process holds it itself, and to pass `held` on", async () => {
    const id = freshId();
    const nested = failureOf(lockOf(id).withLock(() => lockOf(id).withLock(() => "never", { wait: 20 })));
    const error = (await nested) as Error;
    expect(error).toMatchObject({ code: "LOCK_TIMEOUT" });
    expect(error.message).toContain("held");
    expect(error.message).not.toContain("Raise wait");
  });

  it("who waits for a lock that another holds is pointed to withLocks, and is named no lock but its own", async () => {
    const [outer, inner] = [lockOf(freshId("outer")), lockOf(freshId("inner"))];
    // The holder is not in this process.
    await stubOf(inner.id).acquire(60_000);
    const error = (await failureOf(outer.withLock(() => inner.withLock(() => "never", { wait: 20 })))) as Error;
    expect(error).toMatchObject({ code: "LOCK_TIMEOUT" });
    expect(error.message).toContain("withLocks");
    expect(error.message).not.toContain(outer.id);
  });
});
