// What the program makes of its arguments, environment and files, before it asks any service.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { findAccess } from "../../src/cli/config.ts";
import { parseDuration, showDuration } from "../../src/cli/duration.ts";
import { type Exit, Program } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "durable-locks-cli-"));
after(() => rmSync(folder, { recursive: true }));

const SECRET = "a-secret-that-nobody-may-see";
const env = { PATH: process.env["PATH"] };
const call = (...args: string[]): Promise<Exit> => new Program(args, { env, cwd: folder }).exit;

describe("arguments", { concurrency: 2 }, () => {
  for (const args of [
    [],
    ["no-such-command"],
    ["run"],
    ["run", "id"],
    ["run", "id", "echo", "without dashes"],
    ["run", "id", "--ttl", "30", "--", "true"],
    ["run", "id", "--ttl", "10s", "--grace", "5s", "--", "true"],
    ["run", "id", "--max-hold", "10s", "--grace", "5s", "--", "true"],
    ["run", "id", "--max-hold", "10", "--", "true"],
    ["run", "id", "--retain", "1d", "--", "true"],
    ["acquire"],
    ["acquire", "id", "--tll", SECRET],
    ["acquire", "id", SECRET],
    ["renew", "id"],
    ["dev", "--port", "70000"],
  ])
    test(`"${args.join(" ")}" is 64, says what is wrong, and repeats no value`, async () => {
      const { code, stdout, stderr } = await call(...args);
      assert.deepEqual({ code, stdout }, { code: 64, stdout: "" });
      assert.match(stderr, /^durable-locks: .+\n$/);
      assert.ok(!stderr.includes(SECRET));
    });

  test("help is a result: on stdout, for all and for each command", async () => {
    const { code, stdout, stderr } = await call("help");
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    const commands = new Set([...stdout.matchAll(/^ {2}([a-z-]+) .* {2}/gm)].map(([, name = ""]) => name));
    for (const name of ["run", "acquire", "renew", "release", "status", "watch", "force-release", "dev"]) {
      assert.ok(commands.has(name));
      assert.match((await call(name, "--help")).stdout, /Examples:/);
    }
  });

  const onNode = (version: string, ...args: string[]) => {
    const older = `Object.defineProperty(process.versions, "node", { value: "${version}" })`;
    return new Program(args, { nodeArgs: ["--import", `data:text/javascript,${encodeURIComponent(older)}`] }).exit;
  };

  test("an older Node is told so, and not what it can't parse", async () => {
    for (const version of ["20.20.2", "22.12.0"]) {
      const { code, stderr } = await onNode(version, "dev");
      assert.equal(code, 78);
      assert.match(stderr, /needs Node 22\.13/);
    }
  });

  test("the oldest Node that package.json allows runs it", async () => {
    assert.equal((await onNode("22.13.0", "help")).code, 0);
  });

  test("without a URL or token it is 78, and says how to give them", async () => {
    const { code, stderr } = await call("status", "id");
    assert.equal(code, 78);
    assert.match(stderr, /DURABLE_LOCKS_URL/);
    assert.match((await call("status", "id", "--url", "http://127.0.0.1:1")).stderr, /DURABLE_LOCKS_TOKEN/);
  });
});

describe("configuration", () => {
  const below = join(folder, "project", "deep", "below");
  mkdirSync(below, { recursive: true });
  const file = join(folder, "project", "durable-locks.json");
  const tokenFile = join(folder, "project", "token");
  writeFileSync(tokenFile, "from the token file\n", { mode: 0o600 });
  const write = (settings: unknown, mode = 0o600) => {
    writeFileSync(file, JSON.stringify(settings));
    chmodSync(file, mode);
  };
  const surroundings = (given: Record<string, string> = {}) => ({ env: given, cwd: below });
  const fromEnv = { DURABLE_LOCKS_URL: "http://env", DURABLE_LOCKS_TOKEN: "env" };

  test("flags come before the environment, and that before the file", () => {
    write({ url: "http://file", token: "file" });
    assert.deepEqual(findAccess({}, surroundings()), { url: "http://file", token: "file" });
    assert.deepEqual(findAccess({}, surroundings(fromEnv)), { url: "http://env", token: "env" });
    const flags = { url: "http://flag", "token-file": tokenFile };
    assert.deepEqual(findAccess(flags, surroundings(fromEnv)), { url: "http://flag", token: "from the token file" });
    assert.equal(findAccess({ ...flags, token: "flag" }, surroundings(fromEnv)).token, "flag");
  });

  test("the file's tokenFile is relative to the file", () => {
    write({ url: "http://file", tokenFile: "token" }, 0o644);
    assert.equal(findAccess({}, surroundings()).token, "from the token file");
  });

  test("a token that everybody can read is refused, and needed no more if it comes from elsewhere", () => {
    write({ url: "http://file", token: SECRET }, 0o644);
    assert.throws(() => findAccess({}, surroundings()), /chmod 600/);
    assert.equal(findAccess({}, surroundings({ DURABLE_LOCKS_TOKEN: "env" })).token, "env");
  });

  test("a file that everybody can write is not trusted", () => {
    write({ url: "http://file" }, 0o666);
    assert.throws(() => findAccess({}, surroundings(fromEnv)), /not trusted/);
  });

  test("what is wrong in the file is told without its values", () => {
    write({ url: "http://file", tokn: SECRET });
    assert.throws(() => findAccess({}, surroundings()), /"tokn"/);
    writeFileSync(file, `{ "token": ${SECRET} }`);
    assert.throws(
      () => findAccess({}, surroundings()),
      (error: Error) => /JSON/.test(error.message) && !error.message.includes(SECRET),
    );
  });
});

test("durations have units", () => {
  const read = ["500ms", "30s", "1.5m", "2h", "7d", "0"].map((text) => parseDuration(text, "ttl"));
  assert.deepEqual(read, [500, 30_000, 90_000, 7_200_000, 604_800_000, 0]);
  for (const text of ["30", "-1s", "1e3s", "s", "", "1 s", "Infinity"]) assert.throws(() => parseDuration(text, "ttl"));
  assert.deepEqual([999, 59_000, 61_000, 3_660_000].map(showDuration), ["999 ms", "59 s", "1 min 1 s", "1 h 1 min"]);
});
