// What becomes of a command when its lease, its guard, its service or the program itself goes: whatever happens, no two
// commands under one lock overlap (G1), judged by what they wrote themselves.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Journal } from "./journal.ts";
import { type Program, childOf, until } from "./program.ts";
import { DevService } from "./service.ts";

/** With room for renewals on a busy machine. */
const TTL = ["--ttl", "6s"];

/** The guard of a program: its only child. */
function guardOf({ child }: Program): number {
  return childOf(child.pid);
}

describe("the holder's side", { concurrency: 2 }, () => {
  let service: DevService;
  before(async () => {
    service = await DevService.start();
  });
  after(() => service[Symbol.asyncDispose]());

  /** Two runs of one id: the first is at work, and must be over, whatever `harm` does to it, before the second begins. */
  async function survives(id: string, harm: (first: ReturnType<DevService["run"]>) => void, command?: "grandchild") {
    const journal = new Journal(service.folder, id);
    const work = journal[command ?? "command"]("SIGTERM");
    const first = service.run(["run", id, ...TTL, "--", ...work]);
    await journal.begun(first);
    const second = service.run(["run", id, ...TTL, "--", ...journal.command()]);
    await second.until("the second waits", () => second.stderr.includes("place 1 of 1"));
    harm(first);
    await journal.begun(second, 2);
    journal.stop();
    const { code } = await second.exit;
    assert.equal(code, 0);
    assert.equal(journal.overlaps(), false);
    assert.ok(journal.heard("SIGTERM"), "was asked to end before it was killed");
    return first;
  }

  test("killed -9, it leaves a command that its guard ends before the lock passes on", async () => {
    await survives("killed", (first) => first.signal("SIGKILL"));
  });

  test("killed -9, it leaves a grandchild that its guard ends before the lock passes on", async () => {
    await survives("killed-grandchild", (first) => first.signal("SIGKILL"), "grandchild");
  });

  test("killed -9 when nobody reads its messages, it leaves a command that its guard ends before the lock passes on", async () => {
    await survives("killed-unread", (first) => {
      first.child.stderr?.destroy();
      first.signal("SIGKILL");
    });
  });

  test("stopped for longer than its lease, it is told by 79 that the command was ended before the lock passed on", async () => {
    const first = await survives("stopped", (program) => program.signal("SIGSTOP"));
    first.signal("SIGCONT");
    const { code } = await first.exit;
    assert.equal(code, 79);
  });

  test("without its guard, the command is ended at once, and the exit code is 70", async () => {
    const first = await survives("unguarded", (program) => process.kill(guardOf(program), "SIGKILL"));
    const { code, stderr } = await first.exit;
    assert.equal(code, 70);
    assert.match(stderr, /guard/);
  });

  test("with its guard stopped, the command is ended by 2 s after the lease was ended by force, and not left alone", async () => {
    const journal = new Journal(service.folder, "guard-stopped");
    const program = service.run(["run", "guard-stopped", ...TTL, "--", ...journal.command("SIGTERM")]);
    await journal.begun(program);
    process.kill(guardOf(program), "SIGSTOP");
    await service.run(["force-release", "guard-stopped"]).exit;
    const { code } = await program.exit;
    assert.equal(code, 79);
    const last = journal.entries().length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(journal.entries().length, last);
  });

  test("its lease ended by force, the command gets SIGTERM and then SIGKILL, and the exit code is 79", async () => {
    const journal = new Journal(service.folder, "forced");
    const program = service.run(["run", "forced", ...TTL, "--", ...journal.grandchild("SIGTERM")]);
    await journal.begun(program);
    await service.run(["force-release", "forced"]).exit;
    const { code, stderr } = await program.exit;
    assert.equal(code, 79);
    assert.match(stderr, /Somebody ended the lease/);
    assert.ok(journal.heard("SIGTERM"));
  });

  test("G11 held for as long as --max-hold allows, the command is stopped before the lock passes on, and the exit code is 79", async () => {
    const journal = new Journal(service.folder, "max-hold");
    const program = service.run(["run", "max-hold", ...TTL, "--max-hold", "3s", "--", ...journal.command("SIGTERM")]);
    await journal.begun(program);
    const second = service.run(["run", "max-hold", ...TTL, "--", ...journal.command()]);
    const { code, stderr } = await program.exit;
    assert.equal(code, 79);
    assert.match(stderr, /as long as --max-hold allows \(3 s\), so the command was stopped\./);
    await journal.begun(second, 2);
    journal.stop();
    assert.equal((await second.exit).code, 0);
    assert.equal(journal.overlaps(), false);
    assert.ok(journal.heard("SIGTERM"));
  });
});

describe("the service's side", { concurrency: 2 }, () => {
  test("paused for longer than the lease and continued: the first command is over before the second begins", async () => {
    await using service = await DevService.start();
    const journal = new Journal(service.folder, "paused");
    const first = service.run(["run", "paused", ...TTL, "--", ...journal.grandchild("SIGTERM")]);
    await journal.begun(first);
    // Quiet, so that its one call stays parked: one that was on its way while the service is paused would get a lease
    // whose time is counted from before the pause.
    const second = service.run(["run", "paused", "--quiet", ...TTL, "--", ...journal.command()]);
    while (!(await service.run(["status", "paused"]).exit).stdout.includes("1. in line"));
    service.signal("SIGSTOP");
    const { code } = await first.exit;
    assert.equal(code, 79);
    const ended = Date.now();
    await until("the lease is over at the service too", () => Date.now() > ended + 1_000);
    service.signal("SIGCONT");
    await journal.begun(second, 2);
    journal.stop();
    assert.equal((await second.exit).code, 0);
    assert.equal(journal.overlaps(), false);
    assert.ok(journal.heard("SIGTERM"));
  });

  test("killed -9 and started again on its storage: the command goes on under its lease", async () => {
    await using service = await DevService.start();
    const journal = new Journal(service.folder, "restarted");
    const run = service.run(["run", "restarted", "--ttl", "30s", "--", ...journal.command()]);
    await journal.begun(run);
    await service.kill();
    await service.restart();
    const deadline = async () => {
      const { stdout } = await service.run(["status", "restarted", "--json"]).exit;
      return (JSON.parse(stdout) as { holders: { deadline: number }[] }).holders[0]?.deadline ?? 0;
    };
    const first = await deadline();
    assert.ok(first > 0, "the lease is on the storage");
    await until("the lease is renewed at the new service", async () => (await deadline()) > first);
    journal.stop();
    assert.equal((await run.exit).code, 0);
    assert.equal(journal.leases().length, 1);
  });

  test("G11 gone for good: the command is ended, and killed, within its lease, and the message says why", async () => {
    await using service = await DevService.start();
    const journal = new Journal(service.folder, "gone");
    const run = service.run(["run", "gone", ...TTL, "--", ...journal.grandchild("SIGTERM")]);
    await journal.begun(run);
    const gone = Date.now();
    await service.kill();
    const { code, stderr } = await run.exit;
    assert.equal(code, 79);
    assert.match(stderr, /No renewal was confirmed \(no answer from http:.*: connect ECONNREFUSED/);
    assert.ok(journal.heard("SIGTERM"));
    const last = Math.max(...journal.entries().map(({ at }) => at));
    assert.ok(last < gone + 6_000, `its last sign of life came ${last - gone} ms after the service's end`);
  });
});
