// `dev`: one folder is served by one process, whatever was killed before.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { claimFolder } from "../../src/cli/dev/folder-lock.ts";
import { findWorkerd } from "../../src/cli/dev/workerd.ts";
import { type ProcessIdentity, identify, stateOf } from "../../src/cli/supervisor/process-identity.ts";
import type { Failure } from "../../src/cli/terminal/exit-codes.ts";
import { freePort } from "../support/node/free-port.ts";
import { Program, until } from "./program.ts";

const parent = mkdtempSync(join(tmpdir(), "durable-locks-cli-"));
const programs: Program[] = [];
after(() => {
  // A failed test must not leave its processes behind.
  for (const program of programs) program.signal("SIGKILL");
  for (const line of processes("pid=", "args="))
    if (/^\d+ \S*workerd /.test(line) && line.includes(parent)) process.kill(Number.parseInt(line, 10), "SIGKILL");
  rmSync(parent, { recursive: true, force: true });
});

/** A `dev` on a folder that others may use too. */
class Dev {
  readonly program: Program;
  readonly folder: string;
  readonly port: number;

  constructor(folder: string, port: number, cwd: string = process.cwd()) {
    this.folder = folder;
    this.port = port;
    this.program = new Program(["dev", "--json", "--port", String(port), "--dir", folder], { cwd });
    programs.push(this.program);
  }

  get isReady(): boolean {
    return this.program.stdout.includes("\n");
  }

  /** Waits until it is ready, or has ended. */
  async settled(): Promise<void> {
    await until("it is ready or has ended", () => this.isReady || this.program.child.exitCode !== null);
  }

  get workerd(): number {
    return (JSON.parse(this.program.stdout) as { pid: number }).pid;
  }

  /** Kills the program and its supervisor before either can react. */
  kill(): void {
    const supervisor = Number(execFileSync("ps", ["-o", "ppid=", "-p", String(this.workerd)], { encoding: "utf8" }));
    process.kill(supervisor, "SIGSTOP");
    this.program.signal("SIGKILL");
    process.kill(supervisor, "SIGKILL");
  }

  call(...args: string[]) {
    const token = readFileSync(join(this.folder, "token"), "utf8").trim();
    const access = { DURABLE_LOCKS_URL: `http://127.0.0.1:${this.port}`, DURABLE_LOCKS_TOKEN: token };
    return new Program(args, { env: { ...process.env, ...access } }).exit;
  }

  async end(): Promise<void> {
    this.program.signal("SIGTERM");
    await this.program.exit;
  }
}

const start = async (folder: string, port?: number) => new Dev(folder, port ?? (await freePort()));

/** All processes, one per line. */
function processes(...columns: string[]): string[] {
  const all = execFileSync("ps", ["-A", "-o", columns.join(",")], { encoding: "utf8", maxBuffer: 2 ** 26 });
  return all.split("\n").map((line) => line.trim());
}

/** The processes of workerd that serve a folder. */
function workerdsOn(folder: string): number[] {
  return processes("pid=", "stat=", "args=").flatMap((line) => {
    const [, pid, state = "", command = "", rest = ""] = /^(\d+) (\S+)\s+(\S+) (.*)$/.exec(line) ?? [];
    const serves = command.endsWith("workerd") && rest.includes(join(folder, "workerd.capnp"));
    return serves && !state.startsWith("Z") ? [Number(pid)] : [];
  });
}

describe("One folder for one dev", { concurrency: 2 }, () => {
  test("Of two dev processes that start on one folder at once, exactly one is ready, and the other says why.", async () => {
    const folder = join(parent, "together");
    for (let round = 1; round <= 6; round += 1) {
      const both = await Promise.all([start(folder), start(folder)]);
      await Promise.all(both.map((one) => one.settled()));
      const ready = both.filter((one) => one.isReady);
      assert.equal(ready.length, 1, `round ${round}: ${both.map(({ program }) => program.stderr).join("")}`);
      const [winner, loser] = ready[0] === both[0] ? both : both.toReversed();
      const { code, stderr } = await (loser as Dev).program.exit;
      assert.equal(code, 78);
      assert.match(stderr, /in use by process \d+|in use by a process/);
      assert.deepEqual(workerdsOn(folder), [winner?.workerd]);
      // This leaves a claim with a dead owner, which both processes of the next round find.
      winner?.kill();
      process.kill(winner?.workerd ?? 0, "SIGKILL");
    }
  });

  test("Of many processes that claim a folder at once, exactly one gets it.", async () => {
    const folder = join(parent, "many");
    mkdirSync(folder);
    const script = `
      const { claimFolder } = await import(${JSON.stringify(join(import.meta.dirname, "../../src/cli/dev/folder-lock.ts"))});
      process.stdin.once("data", async () => {
        const claim = await claimFolder(${JSON.stringify(folder)}).catch((error) => console.log(error.exitCode));
        if (claim) console.log("claimed");
        process.stdin.once("data", () => process.exit());
      });
      console.log("up");`;
    for (let round = 1; round <= 4; round += 1) {
      const claimants = Array.from({ length: 5 }, () => spawn(process.execPath, ["--input-type=module", "-e", script]));
      const said = claimants.map((child) => {
        const lines: string[] = [];
        child.stdout.on("data", (chunk: Buffer) => lines.push(...String(chunk).trim().split("\n")));
        return lines;
      });
      await until("all are up", () => said.every((lines) => lines.length === 1));
      for (const { stdin } of claimants) stdin.write("go");
      await until("all have tried", () => said.every((lines) => lines.length === 2));
      assert.deepEqual(said.filter((lines) => lines[1] === "claimed").length, 1);
      assert.equal(said.filter((lines) => lines[1] === "78").length, 4);
      // Killed, so that the next round finds the claim of a dead owner.
      await Promise.all(claimants.map((child) => new Promise((ended) => child.once("exit", ended).kill("SIGKILL"))));
    }
  });

  for (const [name, portOf] of [
    ["another port", freePort],
    ["the same port", (port: number) => Promise.resolve(port)],
  ] as const)
    test(`After dev and its supervisor are killed, a dev on ${name} ends their workerd before it serves.`, async () => {
      const folder = join(parent, `killed-${name}`);
      const first = await start(folder);
      await first.settled();
      const lease = (await first.call("acquire", "kept", "--ttl", "5m")).stdout.trim();
      const orphan = first.workerd;
      first.kill();
      await first.program.exit;
      assert.deepEqual(workerdsOn(folder), [orphan]);
      const second = await start(folder, await portOf(first.port));
      const seen = new Set<number>();
      await until("it is ready or has ended", () => {
        seen.add(workerdsOn(folder).length);
        return second.isReady || second.program.child.exitCode !== null;
      });
      assert.ok(second.isReady, second.program.stderr);
      assert.ok(Math.max(...seen) <= 1, `at once: ${[...seen].join(", ")}`);
      assert.deepEqual(workerdsOn(folder), [second.workerd]);
      assert.equal((await second.call("acquire", "kept")).code, 75);
      assert.equal((await second.call("release", "kept", lease)).code, 0);
      await second.end();
    });

  test("If dev and its supervisor are killed before workerd is recorded, workerd does not start.", async () => {
    const cwd = join(parent, "project");
    const mark = join(parent, "started");
    fakeWorkerd(cwd, `echo started >"${mark}"`);
    const port = await freePort();
    const folder = join(parent, "unrecorded");
    const args = ["dev", "--port", String(port), "--dir", folder];
    const { signal, stderr } = await new Program(args, { cwd, nodeArgs: ["--import", KILLED_AT_RECORD] }).exit;
    assert.equal(signal, "SIGKILL", stderr);
    await until(
      "the shell that would be workerd has ended",
      () => !processes("args=").some((line) => line.includes(folder)),
    );
    assert.equal(existsSync(mark), false);
  });

  test("If another service answers at its port, dev is not ready and says that the port is in use.", async () => {
    const cwd = join(parent, "foreign");
    const [found, taken] = [join(parent, "found"), join(parent, "taken")];
    const real = findWorkerd([import.meta.dirname]);
    // dev has found the port free. Another service takes the port a while before workerd tries to.
    fakeWorkerd(cwd, `: >"${found}"; until [ -e "${taken}" ]; do sleep 0.1; done; sleep 1; exec "${real}" "$@"`);
    const port = await freePort();
    const dev = new Dev(join(parent, "foreign-state"), port, cwd);
    await dev.program.until("the port was found free", () => existsSync(found));
    const foreign = createServer((_, response) => response.end("{}"));
    await new Promise<void>((listens) => foreign.listen(port, "127.0.0.1", listens));
    writeFileSync(taken, "");
    const { code, stdout, stderr } = await dev.program.exit;
    await new Promise((closed) => foreign.close(closed));
    assert.deepEqual({ code, stdout }, { code: 78, stdout: "" });
    assert.match(stderr, /Port \d+ is in use: choose another/);
  });

  test("Only dev's own messages reach the terminal.", async () => {
    const dev = await start(join(parent, "terminal"));
    await dev.settled();
    await dev.program.until("it says so", () => dev.program.stderr.includes("\n"));
    await dev.end();
    assert.match(dev.program.stderr, /^\{"event":"ready".*\}\n$/);
  });
});

describe("The recorded identity of a service", { concurrency: 3 }, () => {
  let sleeper: ChildProcess;
  let identity: ProcessIdentity;
  before(() => {
    sleeper = spawn("sleep", ["600"]);
    identity = identify(sleeper.pid ?? 0) as ProcessIdentity;
  });
  after(() => sleeper.kill("SIGKILL"));

  /** A folder whose last owner was killed and left this record behind. */
  const folderOf = (name: string, { pid, boot, namespace, started }: ProcessIdentity): string => {
    const folder = join(parent, name);
    mkdirSync(folder);
    using database = new DatabaseSync(join(folder, "claim.sqlite"));
    database.exec(
      "CREATE TABLE service (id INTEGER PRIMARY KEY, pid INTEGER, boot TEXT, namespace TEXT, started TEXT)",
    );
    database.prepare("INSERT INTO service VALUES (1, ?, ?, ?, ?)").run(pid, boot, namespace, started);
    return folder;
  };

  test("A process is distinguished from a later one with its id, from one of an earlier boot, and from an unseen one.", () => {
    assert.equal(stateOf(identity), "running");
    assert.equal(stateOf({ ...identity, started: "1" }), "ended");
    assert.equal(stateOf({ ...identity, boot: "another" }), "ended");
    assert.equal(stateOf({ ...identity, namespace: "another" }), "unknown");
    assert.equal(stateOf({ ...identity, started: "" }), "unknown");
  });

  test("A zombie counts as a process that has ended.", async () => {
    // Its parent becomes a program that never reaps it.
    const parentOf = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 600"], { stdio: ["ignore", "pipe", "ignore"] });
    let zombie = "";
    parentOf.stdout.on("data", (chunk: Buffer) => (zombie += String(chunk)));
    await until("it is a zombie", () =>
      processes("pid=", "stat=").some((line) => zombie !== "" && line.startsWith(`${zombie.trim()} Z`)),
    );
    assert.equal(identify(Number(zombie)), undefined);
    parentOf.kill("SIGKILL");
  });

  test("claimFolder does not end another process that has since got the service's id.", async () => {
    using claim = await claimFolder(folderOf("reused", { ...identity, started: "1" }));
    assert.ok(claim.record(process.pid));
    assert.equal(stateOf(identity), "running");
  });

  test("claimFolder refuses a folder whose service can't be seen, names its process id, and leaves it alone.", async () => {
    const folder = folderOf("elsewhere", { ...identity, namespace: "pid:[1]" });
    const refusal = ({ exitCode, message }: Failure) =>
      exitCode === 78 && message.includes(`process ${identity.pid} in pid:[1]`);
    await assert.rejects(claimFolder(folder), refusal);
    assert.equal(stateOf(identity), "running");
  });
});

/** Kills the program and its supervisor at the moment when the program would record its workerd. */
const KILLED_AT_RECORD = `data:text/javascript,${encodeURIComponent(`
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const { execFileSync } = process.getBuiltinModule("node:child_process");
  const { prepare } = DatabaseSync.prototype;
  DatabaseSync.prototype.prepare = function (sql) {
    if (!sql.startsWith("REPLACE")) return prepare.call(this, sql);
    const children = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(process.pid)], { encoding: "utf8" });
    for (const line of children.split("\\n")) if (line.includes("__supervisor")) process.kill(Number.parseInt(line), "SIGKILL");
    process.kill(process.pid, "SIGKILL");
  };`)}`;

/** A project whose \`workerd\` is a shell script. */
function fakeWorkerd(project: string, script: string): void {
  const folder = join(project, "node_modules", "workerd");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "workerd");
  writeFileSync(join(folder, "index.js"), `exports.default = ${JSON.stringify(file)};`);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}
