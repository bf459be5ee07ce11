// What happens to a command when its lease, its supervisor, its service or the program itself is lost. In no case do
// two commands under one lock overlap (G1), judged by what they wrote themselves.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { answering } from "./answering.ts";
import { Journal } from "./journal.ts";
import { Program, childOf, until } from "./program.ts";
import { DevService } from "./service.ts";

/** Short, because callers wait for it to pass; the short grace leaves room for renewals on a busy machine. */
const TTL = ["--ttl", "6s", "--grace", "500ms"];

/** For a lease that must not end by its ttl, however busy the machine is. */
const LONG_TTL = ["--ttl", "60s", "--grace", "500ms"];

/** The command that must not survive, and its lease. */
interface Survival {
  command?: "command" | "grandchild";
  ttl?: string[];
}

/** The process id of a program's supervisor, which is its only child. */
function supervisorOf({ child }: Program): number {
  return childOf(child.pid);
}

describe("Losses on the holder's side", { concurrency: 2 }, () => {
  let service: DevService;
  before(async () => {
    service = await DevService.start();
  });
  after(() => service[Symbol.asyncDispose]());

  /** Two runs of one id: whatever `harm` does to the first, its command must have ended before the second begins. */
  async function survives(
    id: string,
    harm: (first: ReturnType<DevService["run"]>) => void,
    { command = "command", ttl = TTL }: Survival = {},
  ) {
    const journal = new Journal(service.folder, id);
    const work = journal[command]("SIGTERM");
    const first = service.run(["run", id, ...ttl, "--", ...work]);
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

  test("If run is killed with -9, its supervisor ends the command before the lock passes on.", async () => {
    await survives("killed", (first) => first.signal("SIGKILL"));
  });

  test("If run is killed with -9, its supervisor ends a grandchild before the lock passes on.", async () => {
    await survives("killed-grandchild", (first) => first.signal("SIGKILL"), { command: "grandchild" });
  });

  test("If run is killed with -9 and its stderr is closed, its supervisor ends the command before the lock passes on.", async () => {
    await survives("killed-unread", (first) => {
      first.child.stderr?.destroy();
      first.signal("SIGKILL");
    });
  });

  test("If run is stopped for longer than its lease, the command ends before the lock passes on, and run exits with 79.", async () => {
    const first = await survives("stopped", (program) => program.signal("SIGSTOP"));
    first.signal("SIGCONT");
    const { code } = await first.exit;
    assert.equal(code, 79);
  });

  test("If its supervisor is killed, run ends the command at once and exits with 70.", async () => {
    const harm = (program: Program) => process.kill(supervisorOf(program), "SIGKILL");
    const first = await survives("unsupervised", harm, { ttl: LONG_TTL });
    const { code, stderr } = await first.exit;
    assert.equal(code, 70);
    assert.match(stderr, /supervisor/);
  });

  test("If its supervisor is stopped, run itself ends the command after a forced release and exits with 79.", async () => {
    const journal = new Journal(service.folder, "supervisor-stopped");
    const program = service.run(["run", "supervisor-stopped", ...TTL, "--", ...journal.command("SIGTERM")]);
    await journal.begun(program);
    process.kill(supervisorOf(program), "SIGSTOP");
    await service.run(["force-release", "supervisor-stopped"]).exit;
    const { code } = await program.exit;
    assert.equal(code, 79);
    const last = journal.entries().length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(journal.entries().length, last);
  });

  test("After a forced release, the command gets SIGTERM and then SIGKILL, and run exits with 79.", async () => {
    const journal = new Journal(service.folder, "forced");
    const program = service.run(["run", "forced", ...TTL, "--", ...journal.grandchild("SIGTERM")]);
    await journal.begun(program);
    await service.run(["force-release", "forced"]).exit;
    const { code, stderr } = await program.exit;
    assert.equal(code, 79);
    assert.match(stderr, /Somebody ended the lease/);
    assert.ok(journal.heard("SIGTERM"));
  });

  test("G11: After --max-hold, the command is stopped before the lock passes on, and run exits with 79.", async () => {
    const journal = new Journal(service.folder, "max-hold");
    const bounds = ["--ttl", "6s", "--max-hold", "3s"];
    const program = service.run(["run", "max-hold", ...bounds, "--", ...journal.command("SIGTERM")]);
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

describe("Faults of the service", { concurrency: 2 }, () => {
  test("If the service is paused for longer than the lease, the first command ends before the second begins.", async () => {
    await using service = await DevService.start();
    const journal = new Journal(service.folder, "paused");
    const first = service.run(["run", "paused", ...TTL, "--", ...journal.grandchild("SIGTERM")]);
    await journal.begun(first);
    // Quiet, so that its one call stays parked: a call sent while the service is paused would get a lease
    // whose time is counted from before the pause.
    const second = service.run(["run", "paused", "--quiet", ...TTL, "--", ...journal.command()]);
    while (!(await service.run(["status", "paused"]).exit).stdout.includes("1. in the queue"));
    service.signal("SIGSTOP");
    const { code } = await first.exit;
    assert.equal(code, 79);
    const ended = Date.now();
    await until("the lease has ended at the service too", () => Date.now() > ended + 1_000);
    service.signal("SIGCONT");
    await journal.begun(second, 2);
    journal.stop();
    assert.equal((await second.exit).code, 0);
    assert.equal(journal.overlaps(), false);
    assert.ok(journal.heard("SIGTERM"));
  });

  test("If the service is killed with -9 and restarted on its storage, the command goes on under its lease.", async () => {
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

  test("G11: --max-hold counts from before the request, so a run whose grant was long on its way names it too.", async () => {
    const validFor = 4_000;
    const grant = { lease: 1, deadline: Date.now() + validFor, validFor };
    await using service = await answering(async () => {
      await new Promise((resolve) => setTimeout(resolve, validFor / 2));
      return { status: 200, headers: { "Content-Type": "application/json" }, body: JSON.stringify(grant) };
    });
    const where = ["--url", service.url, "--token", "a-token-of-this-test"];
    const forever = [process.execPath, "-e", "setInterval(() => {}, 1000)"];
    const run = new Program(["run", "slow", ...where, "--ttl", "6s", "--max-hold", "4s", "--", ...forever]);
    const { code, stderr } = await run.exit;
    assert.equal(code, 79);
    assert.match(stderr, /as long as --max-hold allows \(4 s\), so the command was stopped\./);
  });

  test("G11: If the service is gone forever, the command is killed within its lease, and the message says why.", async () => {
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
