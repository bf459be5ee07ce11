import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type Warehouse, importParts } from "../../examples/crash-release.ts";
import type { ExitWatchReply } from "../../src/index.ts";
import { faultyNamespace } from "../support/faulty-namespace.ts";
import { freshId, lockOf, outcome } from "../support/locks.ts";

/** Keeps what is stored under the highest fence, and refuses what comes under a lower one. */
function warehouse(): Warehouse & { stored: string[] } {
  const stored: string[] = [];
  let highest = 0;
  const store = async (part: string, fence: number) => {
    if (fence < highest) return false;
    if (fence > highest) stored.length = 0;
    highest = fence;
    stored.push(part);
    return true;
  };
  return { stored, store };
}

describe("Example of releaseOnExit", () => {
  it("The import example imports all parts, and the lock is free at the end.", async () => {
    const [tenant, target] = [freshId(), warehouse()];
    await importParts(env.DURABLE_LOCK, target, tenant, ["a", "b"]);
    expect(target.stored).toEqual(["a", "b"]);
    expect(await lockOf(`import:${tenant}`).isLocked()).toBe(false);
  });

  it("The import example starts the next import after one died midway, despite its ttl of ten minutes.", async () => {
    const [tenant, target] = [freshId(), warehouse()];
    expect(await (await exports.default.fetch(`http://worker/import?id=${tenant}`)).text()).toBe("gone");
    await importParts(env.DURABLE_LOCK, target, tenant, ["a", "b"]);
    expect(target.stored).toEqual(["a", "b"]);
  });

  it("The import example stops an import that was only cut off from writing once the next one has.", async () => {
    const [tenant, target] = [freshId(), warehouse()];
    let watch: Disposable | undefined;
    const { namespace } = faultyNamespace(async (method, run) => {
      const reply = await run();
      if (method === "watchExit") watch = reply as ExitWatchReply & Disposable;
      return reply;
    });
    let late = true;
    const cutOff: Warehouse = {
      store: async (part, fence) => {
        watch?.[Symbol.dispose]();
        await importParts(env.DURABLE_LOCK, target, tenant, ["new a", "new b"]);
        return (late = await target.store(part, fence));
      },
    };
    const { error } = await outcome(importParts(namespace, cutOff, tenant, ["a", "b"]));
    expect(error).toMatchObject({ code: "LEASE_LOST" });
    expect(late).toBe(false);
    expect(target.stored).toEqual(["new a", "new b"]);
  });
});
