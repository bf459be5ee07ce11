// `run`: what the command gets, and how it ends.
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

/** Checks that the lock is free again, so no caller has to wait for a lease to expire. */
async function assertFree(id: string): Promise<void> {
  const { stdout } = await service.run(["status", id, "--json"]).exit;
  assert.equal((JSON.parse(stdout) as { locked: boolean }).locked, false);
}

describe("The command", { concurrency: 2 }, () => {
  test("The command gets the id, the lease and its arguments, and stdout has only its own output.", async () => {
    const { code, stdout } = await run("env", "--", "sh", "-c", 'echo "$LOCK_ID $LOCK_LEASE $1"', "sh", "--skip");
    assert.match(stdout, /^env \d{13,} --skip\n$/);
    assert.equal(code, 0);
    await assertFree("env");
  });

  test("The command gets stdin.", async () => {
    const program = service.run(["run", "stdin", "--", "cat"]);
    program.child.stdin?.end("hello");
    assert.equal((await program.exit).stdout, "hello");
  });

  test("run passes the command's exit code through and releases the lock.", async () => {
    assert.equal((await run("code", ...sh("exit 42"))).code, 42);
    await assertFree("code");
  });

  test("If a signal ends the command, run exits with 128+n.", async () => {
    assert.equal((await run("signalled", ...sh("kill -KILL $$"))).code, 137);
  });

  test("run exits with 127 if the command is not found and with 126 if it can't be executed, and releases the lock.", async () => {
    const { code, stderr } = await run("not-found", "--", "no-such-command");
    assert.equal(code, 127);
    assert.match(stderr, /^durable-locks: no-such-command: command not found$/m);
    const file = join(service.folder, "data");
    writeFileSync(file, "");
    assert.equal((await run("not-executable", "--", file)).code, 126);
    await assertFree("not-found");
  });

  test("With --quiet, stderr has only the command's output.", async () => {
    assert.equal((await run("quiet", "--quiet", ...sh("echo mine >&2"))).stderr, "mine\n");
  });

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGQUIT", 131],
  ] as const)
    test(`The command gets ${signal}.`, async () => {
      const journal = new Journal(service.folder, signal);
      const program = service.run(["run", signal, "--", ...journal.command()]);
      await journal.begun(program);
      program.signal(signal);
      assert.equal((await program.exit).code, code);
      await assertFree(signal);
    });

  test("Without a terminal, run and its command survive SIGHUP, both while run waits and while the command runs.", async () => {
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

  test("Without a terminal, the command starts with SIGHUP ignored.", async () => {
    const { code, stdout } = await run("ignored", ...sh("kill -HUP $$; echo alive"));
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "alive\n" });
  });

  test("Without a terminal, the command gets its arguments and variables unchanged.", async () => {
    const args = ["", "-v", "a b", "$HOME", '"', "\n"];
    const script = 'console.log(JSON.stringify([process.argv.slice(1), process.env["with.dot"]]))';
    const command = ["--", process.execPath, "-e", script, "--", ...args];
    const env = { ...service.env, "with.dot": "kept" };
    const { stdout } = await service.run(["run", "arguments", ...command], { env }).exit;
    assert.deepEqual(JSON.parse(stdout), [args, "kept"]);
  });

  test("In a terminal, the command gets SIGHUP.", async () => {
    const journal = new Journal(service.folder, "SIGHUP");
    const program = service.run(["run", "SIGHUP", "--", ...journal.command()], { terminal: true });
    await journal.begun(program);
    process.kill(childOf(program.child.pid), "SIGHUP");
    assert.equal((await program.exit).code, 129);
    assert.equal(await journal.isAlive(), false);
    await assertFree("SIGHUP");
  });

  test("When its terminal closes, the command ends and the lock is released.", async () => {
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

  test("A command that handles a signal decides how it ends.", async () => {
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

  test("run passes a terminal's signal on to grandchildren.", async () => {
    const journal = new Journal(service.folder, "grandchild");
    const program = service.run(["run", "grandchild", "--", ...journal.grandchild("SIGINT", "SIGTERM")]);
    await journal.begun(program);
    program.signal("SIGINT");
    await program.until("it is heard", () => journal.heard("SIGINT"));
    journal.stop();
    await program.exit;
  });

  test("If the command leaves a grandchild behind, the lock stays held until it is ended, if need be by SIGKILL.", async () => {
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

describe("Waiting", { concurrency: 2 }, () => {
  test("A waiting run prints the holder and its place, and gets the lock when it is free.", async () => {
    const journal = new Journal(service.folder, "line");
    const first = service.run(["run", "line", "--owner", "the first", "--", ...journal.command()]);
    await journal.begun(first);
    const second = service.run(["run", "line", "--", "echo", "mine"]);
    await second.until("the place is told", () => /held by the first, place 1 of 1/.test(second.stderr));
    journal.stop();
    const { code, stdout } = await second.exit;
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "mine\n" });
  });

  test("An interrupted run leaves the queue, runs nothing, and exits with 128+n.", async () => {
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

  test("run waits no longer than --wait, exits with 75 and says who holds the lock.", async () => {
    await service.run(["acquire", "taken", "--owner", "somebody else"]).exit;
    const { code, stderr } = await run("taken", "--wait", "100ms", "--", "true");
    assert.equal(code, 75);
    assert.match(stderr, /held by somebody else/);
  });

  test("With --skip, run does not wait: it exits with 0, prints a message and runs nothing.", async () => {
    await service.run(["acquire", "skipped", "--owner", "somebody else"]).exit;
    const { code, stdout, stderr } = await run("skipped", "--skip", "--", "echo", "mine");
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "" });
    assert.match(stderr, /held by somebody else; skipped/);
  });

  test("A semaphore admits as many runs as its capacity.", async () => {
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
  test("With --once, a success is not repeated, and later calls exit with 0 and say so.", async () => {
    assert.equal((await run("once", "--once", "--", "echo", "first")).stdout, "first\n");
    const { code, stdout, stderr } = await run("once", "--once", "--", "echo", "second");
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "" });
    assert.match(stderr, /done before/);
  });

  test("With --once, a failure is not recorded, and the next call runs the command.", async () => {
    assert.equal((await run("retried", "--once", ...sh("exit 3"))).code, 3);
    assert.equal((await run("retried", "--once", "--", "echo", "again")).stdout, "again\n");
  });

  test("With --once, a call that comes while the command runs waits for it and runs nothing.", async () => {
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

describe("Nested runs", { concurrency: 2 }, () => {
  /** The program as a command. */
  const inner = (...args: string[]) => [process.execPath, PROGRAM, ...args];
  const isRefused = ({ code, stdout, stderr }: Exit, id: string) => {
    assert.equal(code, 64, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, new RegExp(`${id}: the .run. around this command already holds the lock \\(lease \\d+\\)`));
    assert.match(stderr, /LOCK_LEASE/);
  };

  test("A nested run of the same lock fails at once, also through another lock or another spelling of the URL.", async () => {
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

  test("A nested acquire of the same lock that waits fails at once and says why.", async () => {
    isRefused(
      await run("nested-acquire", "--", ...inner("acquire", "nested-acquire", "--wait", "20s")),
      "nested-acquire",
    );
  });

  test("A nested run of another lock, or of a semaphore with room, runs.", async () => {
    const other = await run("outer", "--", ...inner("run", "other", "--", "echo", "inner"));
    assert.equal(other.stdout, "inner\n");
    const room = ["room", "--capacity", "2"];
    assert.equal(
      (await run(...(room as [string]), "--", ...inner("run", ...room, "--", "echo", "inner"))).stdout,
      "inner\n",
    );
  });

  test("A nested run whose outer lease has ended runs.", async () => {
    const ended = JSON.stringify([{ url: service.url, id: "ended", lease: 1 }]);
    const env = { ...service.env, LOCK_LEASE: "1", LOCK_ID: "ended", LOCK_HELD: ended };
    assert.equal((await service.run(["run", "ended", "--", "echo", "mine"], { env }).exit).stdout, "mine\n");
    const broken = { ...env, LOCK_HELD: "{" };
    assert.equal((await service.run(["run", "ended", "--", "echo", "mine"], { env: broken }).exit).stdout, "mine\n");
  });

  test("A nested run of a job that was done before succeeds, because it needs no lock.", async () => {
    assert.equal((await run("job", "--once", "--", "true")).code, 0);
    const { code, stderr } = await run(
      "job",
      "--",
      ...inner("run", "job", "--once", "--wait", "20s", "--", "echo", "again"),
    );
    assert.equal(code, 0);
    assert.match(stderr, /done before/);
  });

  test("With a token that may not read, a nested run waits as any other.", async () => {
    const tokens = JSON.stringify([{ name: "blind", token: "a-token-that-is-blind", actions: ["lock"] }]);
    await using other = await DevService.start(tokens);
    const env = { ...service.env, DURABLE_LOCKS_URL: other.url, DURABLE_LOCKS_TOKEN: "a-token-that-is-blind" };
    const args = ["run", "blind", "--", ...inner("run", "blind", "--wait", "300ms", "--", "true")];
    const { code, stderr } = await service.run(args, { env }).exit;
    assert.equal(code, 75, stderr);
  });
});
