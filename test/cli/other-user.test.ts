// `run` and processes of another user, which it may not signal. The program runs as a user without rights. The workers
// that its commands leave in their process group run as root.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Journal } from "./journal.ts";
import { type Program, childOf, until } from "./program.ts";
import { DevService } from "./service.ts";

/** An unprivileged user that can read root's files and become root, but can signal only its own processes. */
const RIGHTS = "+dac_read_search,+setuid,+setgid";
const AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const LAUNCHER = [...AS_NOBODY, `--inh-caps=${RIGHTS}`, `--ambient-caps=${RIGHTS}`];
const AS_ROOT = "setpriv --reuid=0 --regid=0 --clear-groups";

const TTL = ["--ttl", "6s", "--grace", "500ms"];

function whyNot(): string | false {
  if (process.getuid?.() !== 0) return "only root can start processes of two users";
  try {
    execFileSync(LAUNCHER[0] as string, [...LAUNCHER.slice(1), "true"], { stdio: "ignore" });
    return false;
  } catch {
    return "needs setpriv of util-linux, and the right to set user ids";
  }
}

describe("A process of another user", { concurrency: 2, skip: whyNot() }, () => {
  let service: DevService;
  before(async () => {
    service = await DevService.start();
    chmodSync(service.folder, 0o777);
  });
  after(async () => {
    for (const journal of journals) journal.stop();
    await service[Symbol.asyncDispose]();
  });

  const journals: Journal[] = [];
  /** A journal whose commands end with the tests, whichever user runs them. */
  const journalOf = (name: string, { folder } = service) => {
    const journal = new Journal(folder, name);
    journals.push(journal);
    return journal;
  };

  const run = (id: string, args: string[], options = {}): Program =>
    service.run(["run", id, ...args], { launcher: LAUNCHER, ...options });

  /** A shell that starts a worker of root in its process group, waits for its first sign of life, and does `then`. */
  const leaves = (journal: Journal, then: string, ...ignored: NodeJS.Signals[]) => {
    const script = `${AS_ROOT} "$@" & while [ ! -s "$3" ]; do sleep 0.05; done; ${then}`;
    return ["--", "sh", "-c", script, "sh", ...journal.command(...ignored)];
  };

  const isLocked = async (id: string, by = service) => {
    const { stdout } = await by.run(["status", id, "--json"]).exit;
    return (JSON.parse(stdout) as { locked: boolean }).locked;
  };

  const isRunning = (program: Program) => program.child.exitCode === null && program.child.signalCode === null;

  test("A left-behind process of another user keeps the lock until it ends, and run names its process id.", async () => {
    const journal = journalOf("left");
    const first = run("left", ["--quiet", ...TTL, ...leaves(journal, "exit 5")]);
    await journal.begun(first);
    const second = service.run(["run", "left", "--", ...journal.command()]);
    await first.until("the process is told", () => first.stderr.includes(`process ${journal.pid} `));
    const leased = Date.now();
    await until("the lease would have run out, were it not renewed", () => Date.now() > leased + 7_000);
    assert.deepEqual([isRunning(first), journal.leases().length, await journal.isAlive()], [true, 1, true]);
    process.kill(journal.pid, "SIGKILL");
    assert.equal((await first.exit).code, 5);
    await journal.begun(second, 2);
    journal.stop();
    assert.equal((await second.exit).code, 0);
    assert.equal(journal.overlaps(), false);
  });

  test("If it survives a SIGTERM, run keeps the lock; a second signal exits with 80 and leaves the lease to its ttl.", async () => {
    const journal = journalOf("cancelled");
    const program = run("cancelled", [...TTL, ...leaves(journal, "wait")]);
    await journal.begun(program);
    program.signal("SIGTERM");
    await program.until("it says how to leave", () => /process \d+ .*Signal again/.test(program.stderr));
    assert.equal(await isLocked("cancelled"), true);
    assert.equal(isRunning(program), true);
    program.signal("SIGTERM");
    const { code, stderr } = await program.exit;
    assert.equal(code, 80);
    assert.match(stderr, new RegExp(`no longer waits for process ${journal.pid} `));
    assert.equal(await isLocked("cancelled"), true);
    await until("the ttl ends", async () => !(await isLocked("cancelled")));
    assert.equal(await journal.isAlive(), true);
    journal.stop();
  });

  test("If the command itself is another user's, a second signal exits with 80 and ends what it can.", async () => {
    const journal = journalOf("leader");
    const own = journalOf("leader-own");
    const both = [...own.command("SIGINT"), ...journal.command()];
    const script = `"$1" "$2" "$3" "$4" "$5" & shift 5; exec ${AS_ROOT} "$@"`;
    const program = run("leader", [...TTL, "--", "sh", "-c", script, "sh", ...both]);
    await journal.begun(program);
    await own.begun(program);
    program.signal("SIGINT");
    await program.until("it says how to leave", () => program.stderr.includes("Signal again"));
    assert.equal(isRunning(program), true);
    program.signal("SIGINT");
    const { code, stderr } = await program.exit;
    assert.equal(code, 80);
    assert.match(stderr, new RegExp(`no longer waits for process ${journal.pid} `));
    assert.deepEqual([await own.isAlive(), await journal.isAlive()], [false, true]);
    assert.equal(await isLocked("leader"), true);
    journal.stop();
  });

  test("One keystroke that arrives twice, as through npm, counts as one signal.", async () => {
    const journal = journalOf("twice");
    const program = run("twice", [...TTL, ...leaves(journal, "wait")]);
    await journal.begun(program);
    program.signal("SIGINT");
    program.signal("SIGTERM");
    await program.until("it says how to leave", () => program.stderr.includes("Signal again"));
    assert.equal(isRunning(program), true);
    journal.stop();
    const { code } = await program.exit;
    assert.ok(code === 130 || code === 143, `the shell's own end, not that of the program: ${code}`);
    assert.equal(await isLocked("twice"), false);
  });

  test("If it survives a forced release, run exits with 79 and says what was stopped and what could not be.", async () => {
    const journal = journalOf("forced");
    const own = journalOf("forced-own");
    const both = [...own.command("SIGTERM"), ...journal.command()];
    const script = `"$1" "$2" "$3" "$4" "$5" & shift 5; ${AS_ROOT} "$@" & wait`;
    const program = run("forced", [...TTL, "--json", "--", "sh", "-c", script, "sh", ...both]);
    await journal.begun(program);
    await own.begun(program);
    await service.run(["force-release", "forced"]).exit;
    const { code, stderr } = await program.exit;
    assert.equal(code, 79);
    const failure = JSON.parse(stderr.trim().split("\n").at(-1) ?? "") as { message: string; pids: number[] };
    assert.match(
      failure.message,
      new RegExp(`Somebody ended the lease.* except for process ${journal.pid}, which could not`),
    );
    assert.deepEqual(failure.pids, [journal.pid]);
    assert.deepEqual([await own.isAlive(), await journal.isAlive()], [false, true]);
    assert.ok(own.heard("SIGTERM"));
    journal.stop();
  });

  test("If it survives the end of --max-hold, run exits with 79 and names it.", async () => {
    const journal = journalOf("max-hold");
    const program = run("max-hold", [...TTL, "--max-hold", "4s", ...leaves(journal, "exit 0")]);
    await journal.begun(program);
    const { code, stderr } = await program.exit;
    assert.equal(code, 79);
    assert.match(stderr, new RegExp(`--max-hold allows \\(4 s\\).* except for process ${journal.pid}, `));
    assert.equal(await journal.isAlive(), true);
    journal.stop();
  });

  test("If it survives the loss of the service, run stops the rest in time, exits with 79 and names it.", async () => {
    await using gone = await DevService.start();
    chmodSync(gone.folder, 0o777);
    const journal = new Journal(gone.folder, "gone");
    const program = gone.run(["run", "gone", ...TTL, ...leaves(journal, "wait")], { launcher: LAUNCHER });
    await journal.begun(program);
    await gone.kill();
    const { code, stderr } = await program.exit;
    assert.equal(code, 79);
    assert.match(stderr, new RegExp(`No renewal was confirmed.* except for process ${journal.pid}, which could not`));
    assert.equal(await journal.isAlive(), true);
    journal.stop();
    await until("nothing writes into the folder", async () => !(await journal.isAlive()));
  });

  test("If run is killed with -9, its supervisor ends the rest and names the process that it could not stop.", async () => {
    const journal = journalOf("killed");
    const program = run("killed", [...TTL, ...leaves(journal, "sleep 60")]);
    await journal.begun(program);
    program.signal("SIGKILL");
    await until("the supervisor says so", () => program.stderr.includes(`process ${journal.pid} could not be stopped`));
    assert.equal(await journal.isAlive(), true);
    const group = execFileSync("ps", ["-o", "pgid=", "-p", String(journal.pid)], { encoding: "utf8" }).trim();
    const members = execFileSync("sh", ["-c", `ps -e -o pgid=,stat=,pid= | awk '$1 == ${group} && $2 !~ /^Z/'`], {
      encoding: "utf8",
    });
    assert.match(members.trim(), new RegExp(`^${group} +\\S+ +${journal.pid}$`));
    journal.stop();
  });

  test("If the supervisor dies too, run keeps the lock until the process ends, and then exits with 70.", async () => {
    const journal = journalOf("unsupervised");
    const program = run("unsupervised", [...TTL, ...leaves(journal, "wait")]);
    await journal.begun(program);
    process.kill(childOf(program.child.pid), "SIGKILL");
    await program.until("the process is told", () => program.stderr.includes(`process ${journal.pid} `));
    assert.equal(await isLocked("unsupervised"), true);
    assert.equal(isRunning(program), true);
    journal.stop();
    const { code, stderr } = await program.exit;
    assert.equal(code, 70);
    assert.match(stderr, /the command was stopped\./);
    assert.equal(await isLocked("unsupervised"), false);
  });
});
