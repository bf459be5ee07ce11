// What a waiting program requests, and what it prints about the holders and the queue.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { recording } from "./recording.ts";
import { DevService } from "./service.ts";

let service: DevService;
before(async () => {
  service = await DevService.start();
});
after(() => service[Symbol.asyncDispose]());

/** Makes this many readers hold the lock. */
async function hold(id: string, readers: number): Promise<void> {
  const headers = {
    Authorization: `Bearer ${service.env["DURABLE_LOCKS_TOKEN"]}`,
    "Content-Type": "application/json",
  };
  for (let n = 0; n < readers; n += 1) {
    const claim = { permits: 1, capacity: "unlimited" };
    const body = JSON.stringify({ ttl: 600_000, owner: `reader ${n} ${"x".repeat(400)}`, ...claim });
    const { status } = await fetch(`${service.url}/v1/locks/${id}/acquire`, { method: "POST", headers, body });
    assert.equal(status, 200);
  }
}

async function waiting(id: string): Promise<number> {
  const { stdout } = await service.run(["status", id, "--json"]).exit;
  return (JSON.parse(stdout) as { waiters: unknown[] }).waiters.length;
}

describe("A waiting program", { concurrency: 2 }, () => {
  test("A waiting run sends only acquire requests, and its answers do not grow with the queue or the holders.", async () => {
    const id = "asks";
    await hold(id, 30);
    const line = Array.from({ length: 4 }, () => service.run(["run", id, "--quiet", "--", "true"]));
    await service.program.until("four wait", async () => (await waiting(id)) === 4);
    await using loud = await recording(service.url);
    await using quiet = await recording(service.url);
    const untold = service.run(["run", id, "--quiet", "--url", quiet.url, "--", "true"]);
    const told = service.run(["run", id, "--url", loud.url, "--", "true"]);
    await told.until("it tells its place", () => /held by reader 0 x+ and 29 more, place \d of \d/.test(told.stderr));
    await told.until("it asks again", () => loud.requests.length > 1);
    const { requests } = loud;
    assert.ok(
      requests.every(({ asked, bytes }) => asked === "POST acquire" && bytes < 3_000),
      JSON.stringify(requests),
    );
    assert.deepEqual(
      quiet.requests.map(({ asked }) => asked),
      ["POST acquire"],
    );
    for (const program of [told, untold, ...line]) program.signal("SIGTERM");
    await Promise.all([told, untold, ...line].map(({ exit }) => exit));
  });

  test("With a token that may not read, run learns its place and not the holder.", async () => {
    const tokens = JSON.stringify([{ name: "blind", token: "a-token-that-is-blind", actions: ["lock"] }]);
    await using blind = await DevService.start(tokens);
    const env = { ...blind.env, DURABLE_LOCKS_TOKEN: "a-token-that-is-blind" };
    await blind.run(["acquire", "unseen", "--owner", "secret"], { env }).exit;
    const program = blind.run(["run", "unseen", "--", "true"], { env });
    await program.until("it tells its place", () => /waiting: place 1 of 1 in the queue/.test(program.stderr));
    assert.ok(!program.stderr.includes("secret"));
    program.signal("SIGTERM");
    await program.exit;
  });

  test("The last message names one of many holders and counts the others, without another request.", async () => {
    await hold("many", 12);
    await using recorded = await recording(service.url);
    const at = ["--url", recorded.url];
    for (const args of [
      ["acquire", "many", ...at],
      ["run", "many", "--wait", "0s", ...at, "--", "true"],
      ["run", "many", "--skip", ...at, "--", "true"],
    ]) {
      const { stderr } = await service.run(args).exit;
      assert.match(stderr, /many: held by reader 0 x+ and 11 more/);
    }
    const skipped = await service.run(["run", "many", "--skip", "--json", ...at, "--", "true"]).exit;
    const { holders, moreHolders } = JSON.parse(skipped.stderr) as { holders: unknown[]; moreHolders: number };
    assert.deepEqual([holders.length, moreHolders], [10, 2]);
    assert.deepEqual([...new Set(recorded.requests.map(({ asked }) => asked))], ["POST acquire"]);
  });
});
