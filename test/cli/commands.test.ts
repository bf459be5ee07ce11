// The commands that do one thing each.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { freePort } from "../support/node/free-port.ts";
import { type Answering, answering } from "./answering.ts";
import type { Exit } from "./program.ts";
import { DevService } from "./service.ts";

let service: DevService;
before(async () => {
  service = await DevService.start();
});
after(() => service[Symbol.asyncDispose]());

/** Calls a service that only gives this answer. */
async function callTo(answer: Answering, ...args: string[]): Promise<Exit> {
  await using server = await answering(answer);
  return await call(...args, "--url", server.url);
}

const call = (...args: string[]): Promise<Exit> => service.run(args).exit;

async function json<T>(...args: string[]): Promise<T> {
  return JSON.parse((await call(...args, "--json")).stdout) as T;
}

describe("Commands", { concurrency: 2 }, () => {
  test("acquire prints the lease, renew and release take it, and a lease that has ended exits with 79.", async () => {
    const { stdout, stderr } = await call("acquire", "basic", "--ttl", "20s");
    const lease = stdout.trim();
    assert.match(lease, /^\d{13,16}$/);
    assert.equal(stderr, "");
    assert.equal((await json<{ lease: number }>("renew", "basic", lease, "--ttl", "1m")).lease, Number(lease));
    assert.equal((await call("release", "basic", lease)).code, 0);
    assert.equal((await call("release", "basic", lease)).code, 79);
    assert.equal((await call("renew", "basic", lease)).code, 79);
  });

  test("acquire of a taken lock exits with 75 and says who holds it, with JSON for programs.", async () => {
    await call("acquire", "taken", "--owner", "the holder");
    const { code, stdout, stderr } = await call("acquire", "taken", "--json");
    assert.deepEqual({ code, stdout }, { code: 75, stdout: "" });
    const failure = JSON.parse(stderr) as { exitCode: number; message: string };
    assert.equal(failure.exitCode, 75);
    assert.match(failure.message, /the holder/);
  });

  test("force-release prints a number above the lease and below the next one.", async () => {
    const { lease } = await json<{ lease: number }>("acquire", "forced");
    const fence = Number((await call("force-release", "forced")).stdout);
    const next = await json<{ lease: number }>("acquire", "forced");
    assert.ok(lease < fence && fence < next.lease);
  });

  test("status shows the holder, and an owner's text can't move the terminal's cursor.", async () => {
    await call("acquire", "shown", "--owner", "evil\u001B[2J\nowner");
    const { stdout } = await call("status", "shown");
    assert.match(
      stdout,
      /^shown: held\n {2}held by evil\?\[2J\?owner for .*, ends in .* of its 30 s unless renewed \(lease \d+\)\n$/,
    );
  });

  test("status and watch show each holder's ttl and when its lease was last renewed.", async () => {
    const { lease } = await json<{ lease: number }>("acquire", "renewed", "--ttl", "10m");
    const holderOf = (line: string) =>
      (JSON.parse(line) as { holders: { since: number; ttl: number; renewedAt: number; deadline: number }[] })
        .holders[0];
    const of = async () => holderOf((await call("status", "renewed", "--json")).stdout);
    const granted = await of();
    assert.ok(granted);
    assert.deepEqual([granted.ttl, granted.renewedAt], [600_000, granted.since]);
    assert.match(
      (await call("status", "renewed")).stdout,
      / for .*, not renewed yet, ends in .* of its 10 min 0 s unless renewed/,
    );
    await call("renew", "renewed", String(lease), "--ttl", "20m");
    const renewed = await of();
    assert.ok(renewed && renewed.renewedAt > renewed.since);
    assert.deepEqual([renewed.ttl, renewed.deadline - renewed.renewedAt], [1_200_000, 1_200_000]);
    assert.match(
      (await call("status", "renewed")).stdout,
      /, last renewed .* ago, ends in .* of its 20 min 0 s unless renewed/,
    );
    for (const [args, has] of [
      [["--json"], (text: string) => holderOf(text)?.renewedAt === renewed.renewedAt],
      [[], (text: string) => /last renewed .* ago/.test(text)],
    ] as const) {
      const program = service.run(["watch", "renewed", ...args]);
      await program.until("it tells of the renewal", () => program.stdout !== "" && has(program.stdout));
      program.signal("SIGINT");
      await program.exit;
    }
  });

  test("status reads the answer of an older service, which has no ttl and no renewal time.", async () => {
    const holder = {
      lease: 7,
      since: Date.now(),
      deadline: Date.now() + 60_000,
      exclusive: true,
      permits: 1,
      capacity: 1,
    };
    const answer = { status: 200, headers: {}, body: JSON.stringify({ locked: true, holders: [holder], waiters: [] }) };
    const { code, stdout } = await callTo(answer, "status", "x");
    assert.equal(code, 0);
    assert.match(stdout, /^x: held\n {2}held by somebody for [^,]*, ends in [^,]* s unless renewed \(lease 7\)\n$/);
    assert.deepEqual(JSON.parse((await callTo(answer, "status", "x", "--json")).stdout), {
      id: "x",
      locked: true,
      holders: [holder],
      waiters: [],
    });
  });

  test("watch prints each change of hands as one JSON object per line.", async () => {
    const program = service.run(["watch", "watched", "--json"]);
    const lines = () =>
      program.stdout
        .trim()
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as { locked: boolean });
    await program.until("it is free", () => lines().length === 1);
    const { stdout: lease } = await call("acquire", "watched");
    await program.until("it is taken", () => lines().at(-1)?.locked === true);
    await call("release", "watched", lease.trim());
    await program.until("it is free again", () => lines().at(-1)?.locked === false);
    program.signal("SIGINT");
    await program.exit;
  });

  test("An id may contain any character.", async () => {
    const id = "a/b ?#%2F ü";
    assert.equal((await json<{ id: string }>("status", id)).id, id);
  });

  test("A wrong token exits with 77 and is not repeated.", async () => {
    const secret = "not-the-secret-of-this-service";
    const env = { ...service.env, DURABLE_LOCKS_TOKEN: secret };
    const { code, stdout, stderr } = await service.run(["acquire", "x"], { env }).exit;
    assert.equal(code, 77);
    assert.ok(!(stdout + stderr).includes(secret));
  });

  test("G11: If the service is not there, the program exits with 69 and says why.", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const { code, stderr } = await call("release", "x", "1", "--url", url);
    assert.equal(code, 69);
    assert.match(stderr, new RegExp(`no answer from ${url}: connect ECONNREFUSED`));
    assert.ok(!stderr.includes(service.env["DURABLE_LOCKS_TOKEN"] as string));
  });

  test("G11: If the service limits requests, the program exits with 69 and says when to ask again.", async () => {
    const limited = { status: 429, headers: { "Retry-After": "30" }, body: "" };
    const { code, stderr } = await callTo(limited, "status", "x", "--json");
    assert.equal(code, 69);
    const { message } = JSON.parse(stderr) as { message: string };
    assert.match(message, /neither an outage nor contention: try again in 30000 ms/);
  });

  test("G11: watch goes on through an outage that begins while it watches, and reports what it met.", async () => {
    const free = { locked: false, holders: [], waiters: [] };
    const answers = [{ status: 200, headers: {}, body: JSON.stringify(free) }];
    const down = { status: 429, headers: { "Retry-After": "30" }, body: "" };
    await using server = await answering(() => answers.shift() ?? down);
    const program = service.run(["watch", "x", "--url", server.url]);
    await program.until("it says what it met", () => /answered 429/.test(program.stderr));
    assert.equal(program.child.exitCode, null);
    program.signal("SIGINT");
    await program.exit;
  });
});
