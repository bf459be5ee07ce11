// `run`: what the command gets, and what comes of it.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Journal } from "./journal.ts";
import { type Exit, childOf, PROGRAM, until } from "./program.ts";
import { DevService } from "./service.ts";

let service: DevService;
before(async () => {
  service = await DevService.start();
});
after(() => service[Symbol.asyncDispose]());

const sh = (script: string) => ["--", "sh", "-c", script];
const run = (id: string, ...args: string[]): Promise<Exit> => service.run(["run", id, ...args]).exit;

/** The lock is free again: nobody waits for a lease to run out. */
async function assertFree(id: string): Promise<void> {
  const { stdout } = await service.run(["status", id, "--json"]).exit;
  assert.equal((JSON.parse(stdout) as { locked: boolean }).locked, false);
}

describe("the command", { concurrency: 2 }, () => {
  test("gets the id and the lease, its arguments, and nothing else on stdout", async () => {
    const { code, stdout } = await run("env", "--", "sh", "-c", 'echo "$LOCK_ID $LOCK_LEASE $1"', "sh", "--skip");
    assert.match(stdout, /^env \d{13,} --skip\n$/);
    assert.equal(code, 0);
    await assertFree("env");
  });

  test("gets stdin", async () => {
    const program = service.run(["run", "stdin", "--", "cat"]);
    program.child.stdin?.end("hello");
    assert.equal((await program.exit).stdout, "hello");
  });

  test("passes its exit code through, and the lock is released", async () => {
    assert.equal((await run("code", ...sh("exit 42"))).code, 42);
    await assertFree("code");
  });

  test("ended by a signal, it comes out as 128+n", async () => {
    assert.equal((await run("signalled", ...sh("kill -KILL $$"))).code, 137);
  });

  test("not found is 127, not executable 126, and the lock is released", async () => {
    const { code, stderr } = await run("not-found", "--", "no-such-command");
    assert.equal(code, 127);
    assert.match(stderr, /^durable-locks: no-such-command: command not found$/m);
    const file = join(service.folder, "data");
    writeFileSync(file, "");
    assert.equal((await run("not-executable", "--", file)).code, 126);
    await assertFree("not-found");
  });

  test("with --quiet, stderr is the command's alone", async () => {
    assert.equal((await run("quiet", "--quiet", ...sh("echo mine >&2"))).stderr, "mine\n");
  });

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGQUIT", 131],
  ] as const)
    test(`gets ${signal}`, async () => {
      const journal = new Journal(service.folder, signal);
      const program = service.run(["run", signal, "--", ...journal.command()]);
      await journal.begun(program);
      program.signal(signal);
      assert.equal((await program.exit).code, code);
      await assertFree(signal);
    });

  test("without a terminal, as under nohup, outlives SIGHUP with the program, both while it waits and while it runs", async () => {
    const journal = new Journal(service.folder, "nohup");
    const first = service.run(["run", "nohup", "--", ...journal.command()]);
    await journal.begun(first);
    const second = service.run(["run", "nohup", "--", ...journal.command()], { launcher: ["nohup"] });
    await second.until("the second waits", () => second.stderr.includes("place 1 of 1"));
    first.signal("SIGHUP");
    second.signal("SIGHUP");
    assert.equal(await journal.isAlive(), true);
    journal.stop();
    assert.equal((await first.exit).code, 0);
    assert.equal((await second.exit).code, 0);
  });

  test("without a terminal, as under nohup, is started with SIGHUP ignored", async () => {
    const { code, stdout } = await run("ignored", ...sh("kill -HUP $$; echo alive"));
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "alive\n" });
  });

  test("without a terminal, gets its arguments and variables as they are", async () => {
    const args = ["", "-v", "a b", "$HOME", '"', "\n"];
    const script = 'console.log(JSON.stringify([process.argv.slice(1), process.env["with.dot"]]))';
    const command = ["--", process.execPath, "-e", script, "--", ...args];
    const env = { ...service.env, "with.dot": "kept" };
    const { stdout } = await service.run(["run", "arguments", ...command], { env }).exit;
    assert.deepEqual(JSON.parse(stdout), [args, "kept"]);
  });

  test("in a terminal, gets SIGHUP", async () => {
    const journal = new Journal(service.folder, "SIGHUP");
    const program = service.run(["run", "SIGHUP", "--", ...journal.command()], { terminal: true });
    await journal.begun(program);
    process.kill(childOf(program.child.pid), "SIGHUP");
    assert.equal((await program.exit).code, 129);
    assert.equal(await journal.isAlive(), false);
    await assertFree("SIGHUP");
  });

  test("ends with its terminal, and the lock is released", async () => {
    const journal = new Journal(service.folder, "closed");
    const program = service.run(["run", "closed", "--", ...journal.command()], { terminal: true });
    await journal.begun(program);
    program.signal("SIGKILL");
    await until("it has ended", async () => !(await journal.isAlive()));
    await until("the lock is free", () =>
      assertFree("closed").then(
        () => true,
        () => false,
      ),
    );
  });

  test("that handles a signal decides itself how it ends", async () => {
    const journal = new Journal(service.folder, "handled");
    const program = service.run(["run", "handled", "--", ...journal.command("SIGINT", "SIGUSR1")]);
    await journal.begun(program);
    program.signal("SIGUSR1");
    await program.until("it is heard", () => journal.heard("SIGUSR1"));
    program.signal("SIGINT");
    await program.until("it is heard", () => journal.heard("SIGINT"));
    journal.stop();
    assert.equal((await program.exit).code, 0);
  });

  test("passes a signal of a terminal on to grandchildren too", async () => {
    const journal = new Journal(service.folder, "grandchild");
    const program = service.run(["run", "grandchild", "--", ...journal.grandchild("SIGINT", "SIGTERM")]);
    await journal.begun(program);
    program.signal("SIGINT");
    await program.until("it is heard", () => journal.heard("SIGINT"));
    journal.stop();
    await program.exit;
  });

  test("that leaves a grandchild behind holds the lock until that is ended, which may need SIGKILL", async () => {
    const journal = new Journal(service.folder, "left");
    const args = [
      "--ttl",
      "4s",
      "--grace",
      "500ms",
      "--",
      "sh",
      "-c",
      '"$@" & while [ ! -s "$3" ]; do sleep 0.05; done; exit 5',
      "sh",
    ];
    const first = service.run(["run", "left", ...args, ...journal.command("SIGTERM")]);
    await journal.begun(first);
    const second = new Journal(service.folder, "left");
    const next = service.run(["run", "left", "--", ...second.command()]);
    assert.equal((await first.exit).code, 5);
    await second.begun(next, 2);
    second.stop();
    await next.exit;
    assert.equal(journal.overlaps(), false);
    assert.ok(journal.heard("SIGTERM"));
  });
});

describe("waiting", { concurrency: 2 }, () => {
  test("tells who holds the lock and what place there is, and gets it when it is free", async () => {
    const journal = new Journal(service.folder, "line");
    const first = service.run(["run", "line", "--owner", "the first", "--", ...journal.command()]);
    await journal.begun(first);
    const second = service.run(["run", "line", "--", "echo", "mine"]);
    await second.until("the place is told", () => /held by the first, place 1 of 1/.test(second.stderr));
    journal.stop();
    const { code, stdout } = await second.exit;
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "mine\n" });
  });

  test("interrupted, it leaves the queue, runs nothing, and exits with 128+n", async () => {
    const journal = new Journal(service.folder, "interrupted");
    const first = service.run(["run", "interrupted", "--", ...journal.command()]);
    await journal.begun(first);
    const second = service.run(["run", "interrupted", "--", "echo", "mine"]);
    await second.until("it waits", () => second.stderr.includes("place 1 of 1"));
    second.signal("SIGINT");
    const { code, stdout } = await second.exit;
    assert.deepEqual({ code, stdout }, { code: 130, stdout: "" });
    const status = await service.run(["status", "interrupted", "--json"]).exit;
    assert.deepEqual((JSON.parse(status.stdout) as { waiters: unknown[] }).waiters, []);
    journal.stop();
    await first.exit;
  });

  test("for no longer than --wait: 75, and who holds it", async () => {
    await service.run(["acquire", "taken", "--owner", "somebody else"]).exit;
    const { code, stderr } = await run("taken", "--wait", "100ms", "--", "true");
    assert.equal(code, 75);
    assert.match(stderr, /held by somebody else/);
  });

  test("not at all with --skip: 0, a message, and nothing is run", async () => {
    await service.run(["acquire", "skipped", "--owner", "somebody else"]).exit;
    const { code, stdout, stderr } = await run("skipped", "--skip", "--", "echo", "mine");
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "" });
    assert.match(stderr, /held by somebody else; skipped/);
  });

  test("a semaphore has room for as many as its capacity", async () => {
    const journal = new Journal(service.folder, "semaphore");
    const both = [1, 2].map(() => service.run(["run", "semaphore", "--capacity", "2", "--", ...journal.command()]));
    await journal.begun(both[0] as (typeof both)[0], 2);
    const { code } = await run("semaphore", "--capacity", "2", "--wait", "0", "--", "true");
    assert.equal(code, 75);
    journal.stop();
    await Promise.all(both.map(({ exit }) => exit));
  });
});

describe("--once", { concurrency: 2 }, () => {
  test("a success is not repeated, and later calls exit with 0 and say so", async () => {
    assert.equal((await run("once", "--once", "--", "echo", "first")).stdout, "first\n");
    const { code, stdout, stderr } = await run("once", "--once", "--", "echo", "second");
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "" });
    assert.match(stderr, /done before/);
  });

  test("a failure is not recorded: the next call runs it", async () => {
    assert.equal((await run("retried", "--once", ...sh("exit 3"))).code, 3);
    assert.equal((await run("retried", "--once", "--", "echo", "again")).stdout, "again\n");
  });

  test("who comes while it runs waits for it, and runs nothing", async () => {
    const journal = new Journal(service.folder, "running");
    const first = service.run(["run", "running", "--once", "--", ...journal.command()]);
    await journal.begun(first);
    const second = service.run(["run", "running", "--once", "--", "echo", "mine"]);
    await second.until("it waits", () => second.stderr.includes("place 1 of 1"));
    journal.stop();
    const { code, stdout } = await second.exit;
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "" });
  });
});

describe("inside a run of the same lock", { concurrency: 2 }, () => {
  /** The program as a command. */
  const inner = (...args: string[]) => [process.execPath, PROGRAM, ...args];
  const isRefused = ({ code, stdout, stderr }: Exit, id: string) => {
    assert.equal(code, 64, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, new RegExp(`${id}: the .run. around this command holds the lock already \\(lease \\d+\\)`));
    assert.match(stderr, /LOCK_LEASE/);
  };

  test("another run fails at once and says why, also with another lock in between and another way to write the URL", async () => {
    const { url } = service;
    const again = inner("run", "nested", "--wait", "20s", "--url", `${url}/`, "--", "echo", "inner");
    isRefused(await run("nested", "--", ...again), "nested");
    isRefused(await run("nested", "--", ...inner("run", "between", "--", ...again)), "nested");
    isRefused(
      await run("nested", "--once", "--", ...inner("run", "nested", "--once", "--wait", "20s", "--", "true")),
      "nested",
    );
    await assertFree("nested");
  });

  test("an acquire that waits fails at once and says why", async () => {
    isRefused(
      await run("nested-acquire", "--", ...inner("acquire", "nested-acquire", "--wait", "20s")),
      "nested-acquire",
    );
  });

  test("a run of another lock, or of a semaphore with room, runs", async () => {
    const other = await run("outer", "--", ...inner("run", "other", "--", "echo", "inner"));
    assert.equal(other.stdout, "inner\n");
    const room = ["room", "--capacity", "2"];
    assert.equal(
      (await run(...(room as [string]), "--", ...inner("run", ...room, "--", "echo", "inner"))).stdout,
      "inner\n",
    );
  });

  test("a run whose outer lease has ended runs", async () => {
    const ended = JSON.stringify([{ url: service.url, id: "ended", lease: 1 }]);
    const env = { ...service.env, LOCK_LEASE: "1", LOCK_ID: "ended", LOCK_HELD: ended };
    assert.equal((await service.run(["run", "ended", "--", "echo", "mine"], { env }).exit).stdout, "mine\n");
    const broken = { ...env, LOCK_HELD: "{" };
    assert.equal((await service.run(["run", "ended", "--", "echo", "mine"], { env: broken }).exit).stdout, "mine\n");
  });

  test("a job that was done before needs no lock, so it is no failure", async () => {
    assert.equal((await run("job", "--once", "--", "true")).code, 0);
    const { code, stderr } = await run(
      "job",
      "--",
      ...inner("run", "job", "--once", "--wait", "20s", "--", "echo", "again"),
    );
    assert.equal(code, 0);
    assert.match(stderr, /done before/);
  });

  test("a token that may not read waits as any other", async () => {
    const tokens = JSON.stringify([{ name: "blind", token: "a-token-that-is-blind", actions: ["lock"] }]);
    await using other = await DevService.start(tokens);
    const env = { ...service.env, DURABLE_LOCKS_URL: other.url, DURABLE_LOCKS_TOKEN: "a-token-that-is-blind" };
    const args = ["run", "blind", "--", ...inner("run", "blind", "--wait", "300ms", "--", "true")];
    const { code, stderr } = await service.run(args, { env }).exit;
    assert.equal(code, 75, stderr);
  });
});
