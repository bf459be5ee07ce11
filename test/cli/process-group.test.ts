// Which processes of a group can still run, judged by /proc and by the kernel's answers to signals.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isGroupAlive, nameSurvivors, survivorsOf } from "../../src/cli/supervisor/process-group.ts";
import { parseStat } from "../../src/cli/supervisor/process-table.ts";
import { until } from "./program.ts";

const MODULE = join(import.meta.dirname, "../../src/cli/supervisor/process-group.ts");

/** What a process started by `launcher` sees of a group. */
function survivorsBy(launcher: readonly string[], group: string): unknown {
  const script = `const { survivorsOf } = await import("${MODULE}"); console.log(JSON.stringify(survivorsOf(${group}) ?? null))`;
  const [command = "", ...args] = launcher;
  const node = [process.execPath, "--input-type=module", "--no-warnings", "-e", script];
  return JSON.parse(execFileSync(command, [...args, ...node], { encoding: "utf8" }));
}

function canLaunch([command = "", ...args]: readonly string[]): boolean {
  try {
    execFileSync(command, [...args, "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** In a new PID namespace, with the /proc of the outer one. */
const INNER = ["unshare", "--pid", "--fork", "sh", "-c", '"$@"; exit $?', "sh", "setsid"];

/** Without rights, where /proc hides the processes of other users. */
const HIDDEN = [
  "unshare",
  "--mount",
  "sh",
  "-c",
  'mount -t proc -o hidepid=2 proc /proc && exec setpriv "$@"',
  "sh",
  "--reuid=65534",
  "--regid=65534",
  "--clear-groups",
  "--inh-caps=+dac_read_search",
  "--ambient-caps=+dac_read_search",
];

describe("A process group", () => {
  test("A process group with a living process is alive, and its process is named.", () => {
    const child = spawn("sleep", ["60"], { detached: true });
    const pid = child.pid ?? 0;
    const seen = survivorsOf(pid);
    child.kill("SIGKILL");
    assert.deepEqual(seen, { group: pid, pids: [pid], foreign: [], beyondReach: false });
    assert.equal(nameSurvivors(seen), `process ${pid}`);
  });

  test("A process group that has only dead, unreaped processes is gone.", async () => {
    // The child leads a new group, and its parent, which has become `sleep`, never reaps it.
    const parent = spawn("sh", ["-c", "setsid sleep 0.1 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", 2] });
    let group = 0;
    parent.stdout?.once("data", (line) => (group = Number(line)));
    await until("the child is named", () => group);
    await until("the group is gone", () => !isGroupAlive(group));
    assert.equal(process.kill(-group, 0), true, "the kernel still knows the dead process");
    parent.kill("SIGKILL");
  });

  test("A process group with more processes than a message can hold is named by the first ten.", () => {
    const pids = Array.from({ length: 12 }, (_, index) => index + 1);
    assert.equal(nameSurvivors({ group: 1, pids }), "processes 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more");
    assert.equal(nameSurvivors({ group: 7, pids: [] }), "a process of group 7");
  });

  test(
    "A process group is judged by signals if /proc belongs to another PID namespace.",
    { skip: !canLaunch(INNER) && "needs root" },
    () => {
      // The second process of the namespace; in the outer /proc its number belongs to another process.
      const seen = survivorsBy(INNER, "process.pid");
      assert.deepEqual(seen, { group: 2, pids: [], foreign: [], beyondReach: false });
    },
  );

  test(
    "A process group is judged by signals if /proc hides other users.",
    { skip: !canLaunch(HIDDEN) && "needs root" },
    () => {
      const child = spawn("sleep", ["60"], { detached: true });
      const seen = survivorsBy(HIDDEN, String(child.pid));
      child.kill("SIGKILL");
      assert.deepEqual(seen, { group: child.pid, pids: [], foreign: [], beyondReach: true });
    },
  );

  test("A process group whose program has ended only its first thread is alive.", () => {
    const stat = (state: string, threads: number) =>
      `4242 (a ) Z 1 (b) ${state} 1 77 77 0 -1 4227084 0 0 0 0 1 0 0 0 20 0 ${threads} 0 20573 0 0`;
    assert.deepEqual(parseStat(stat("Z", 2)), { pid: 4242, group: 77, alive: true });
    assert.deepEqual(parseStat(stat("Z", 1)), { pid: 4242, group: 77, alive: false });
    assert.deepEqual(parseStat(stat("S", 1)), { pid: 4242, group: 77, alive: true });
  });
});
