// What the program makes of its arguments, environment and files, before it asks any service.
import assert from "node:assert/strict";
import { chmodSync, lchownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { findAccess } from "../../src/cli/commands/config.ts";
import { parseDuration, showDuration } from "../../src/cli/terminal/duration.ts";
import { type Exit, Program } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "durable-locks-cli-"));
after(() => rmSync(folder, { recursive: true }));

const SECRET = "a-secret-that-nobody-may-see";
const IS_ROOT = process.getuid?.() === 0;
const env = { PATH: process.env["PATH"] };
const call = (...args: string[]): Promise<Exit> => new Program(args, { env, cwd: folder }).exit;

describe("Arguments", { concurrency: 2 }, () => {
  for (const args of [
    ["no-such-command"],
    [SECRET],
    ["--json", "status", "id"],
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
    ["acquire", "id", "--wait", SECRET],
    ["acquire", "id", "--permits", SECRET],
    ["acquire", "id", "--token", `-${SECRET}`],
    ["acquire", "id", `-${SECRET}`],
    ["renew", "id"],
    ["dev", "--port", "70000"],
  ])
    test(`"${args.join(" ")}" exits with 64, says what is wrong, and repeats no value.`, async () => {
      const { code, stdout, stderr } = await call(...args);
      assert.deepEqual({ code, stdout }, { code: 64, stdout: "" });
      assert.match(stderr, /^durable-locks: .+\n$/);
      assert.ok(!stderr.includes(SECRET));
    });

  test("help prints to stdout and exits with 0, for the program and for each command.", async () => {
    const { code, stdout, stderr } = await call("help");
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    const commands = new Set([...stdout.matchAll(/^ {2}([a-z-]+) .* {2}/gm)].map(([, name = ""]) => name));
    for (const name of ["run", "acquire", "renew", "release", "status", "watch", "force-release", "dev"]) {
      assert.ok(commands.has(name));
      assert.match((await call(name, "--help")).stdout, /Examples:/);
    }
  });

  test("durable-locks without arguments prints the help on stdout and exits with 64.", async () => {
    assert.deepEqual(await call(), { ...(await call("help")), code: 64 });
  });

  const onNode = (version: string, ...args: string[]) => {
    const older = `Object.defineProperty(process.versions, "node", { value: "${version}" })`;
    return new Program(args, { nodeArgs: ["--import", `data:text/javascript,${encodeURIComponent(older)}`] }).exit;
  };

  test("On a Node that is too old, the program says which one it needs.", async () => {
    for (const version of ["20.20.2", "22.12.0"]) {
      const { code, stderr } = await onNode(version, "dev");
      assert.equal(code, 78);
      assert.match(stderr, /needs Node 22\.13/);
    }
  });

  test("The oldest Node that package.json allows runs the program.", async () => {
    assert.equal((await onNode("22.13.0", "help")).code, 0);
  });

  test("Without a URL or token, the program exits with 78 and says how to give them.", async () => {
    const { code, stderr } = await call("status", "id");
    assert.equal(code, 78);
    assert.match(stderr, /DURABLE_LOCKS_URL/);
    assert.match((await call("status", "id", "--url", "http://127.0.0.1:1")).stderr, /DURABLE_LOCKS_TOKEN/);
  });
});

describe("Configuration", () => {
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

  test("Flags come before the environment, and the environment comes before the file.", () => {
    write({ url: "http://file", token: "file" });
    assert.deepEqual(findAccess({}, surroundings()), { url: "http://file", token: "file" });
    assert.deepEqual(findAccess({}, surroundings(fromEnv)), { url: "http://env", token: "env" });
    const flags = { url: "http://flag", "token-file": tokenFile };
    assert.deepEqual(findAccess(flags, surroundings(fromEnv)), { url: "http://flag", token: "from the token file" });
    assert.equal(findAccess({ ...flags, token: "flag" }, surroundings(fromEnv)).token, "flag");
  });

  test("The file's tokenFile is relative to the file.", () => {
    write({ url: "http://file", tokenFile: "token" }, 0o644);
    assert.equal(findAccess({}, surroundings()).token, "from the token file");
  });

  test("A file whose token everybody can read is refused, unless the token comes from elsewhere.", () => {
    write({ url: "http://file", token: SECRET }, 0o644);
    assert.throws(() => findAccess({}, surroundings()), /chmod 600/);
    assert.equal(findAccess({ config: file }, surroundings({ DURABLE_LOCKS_TOKEN: "env" })).token, "env");
  });

  test("A found file that everybody can write is not trusted, and blocks no call with its own URL and token.", () => {
    write({ url: "http://file" }, 0o666);
    assert.throws(() => findAccess({}, surroundings()), /not trusted.*--config/);
    assert.throws(() => findAccess({}, surroundings({ DURABLE_LOCKS_URL: "http://env" })), /not trusted/);
    assert.deepEqual(findAccess({}, surroundings(fromEnv)), { url: "http://env", token: "env" });
  });

  test("A found file that is broken blocks no call with its own URL and token.", () => {
    write({});
    writeFileSync(file, "{");
    assert.throws(() => findAccess({}, surroundings({ DURABLE_LOCKS_TOKEN: "env" })), /JSON/);
    assert.equal(findAccess({ url: "http://flag" }, surroundings({ DURABLE_LOCKS_TOKEN: "env" })).url, "http://flag");
  });

  test("A found link of another user is not trusted, whatever it leads to.", { skip: !IS_ROOT && "needs root" }, () => {
    const own = join(folder, "own.json");
    writeFileSync(own, JSON.stringify({ url: "http://file", token: "file" }), { mode: 0o600 });
    rmSync(file, { force: true });
    symlinkSync(own, file);
    lchownSync(file, 12_345, 12_345);
    assert.throws(() => findAccess({}, surroundings()), /not trusted/);
    rmSync(file);
  });

  test("A token from flags or environment is refused for the URL of a found file, and the message says what to type.", () => {
    write({ url: "https://found.example", token: "file" });
    const refusal = (error: Error) =>
      error.message.includes("`--url https://found.example` or `--config ") &&
      error.message.includes("durable-locks.json`") &&
      !error.message.includes(SECRET);
    const inEnv = surroundings({ DURABLE_LOCKS_TOKEN: SECRET });
    assert.throws(() => findAccess({}, inEnv), refusal);
    assert.throws(() => findAccess({ token: SECRET }, surroundings()), refusal);
    assert.throws(() => findAccess({ "token-file": tokenFile }, surroundings()), refusal);
    const here = { ...inEnv, cwd: join(folder, "project") };
    assert.throws(() => findAccess({}, here), /`--config \.\/durable-locks\.json`/);
    assert.deepEqual(findAccess({ url: "https://found.example" }, inEnv).token, SECRET);
    assert.deepEqual(findAccess({ config: "./durable-locks.json" }, here), {
      url: "https://found.example",
      token: SECRET,
    });
  });

  test("The line to type is quoted, so the URL of a found file can't become part of a command.", () => {
    write({ url: "https://found.example/$(id)'\u001B[2J" });
    assert.throws(
      () => findAccess({ token: "flag" }, surroundings()),
      ({ message }: Error) => message.includes("--url 'https://found.example/$(id)'\\''?[2J'"),
    );
  });

  test("The tokenFile of a found file must lie in its folder, after links are resolved.", () => {
    const outside = join(folder, "secret");
    writeFileSync(outside, SECRET, { mode: 0o600 });
    symlinkSync(outside, join(folder, "project", "link"));
    symlinkSync(folder, join(folder, "project", "up"));
    // This folder's name only begins like that of the file's folder.
    mkdirSync(join(folder, "project-b"));
    writeFileSync(join(folder, "project-b", "secret"), SECRET, { mode: 0o600 });
    for (const leading of ["../secret", outside, "link", "up/secret", "../project-b/secret", "deep/../../secret"]) {
      write({ url: "https://found.example", tokenFile: leading });
      const refusal = ({ message }: Error) => message.includes("leads out") && message.includes("--config ");
      assert.throws(() => findAccess({}, surroundings()), refusal);
      // The file can't choose what is sent to the user's own URL either.
      assert.throws(() => findAccess({ url: "https://flag.example" }, surroundings()), refusal);
      assert.equal(findAccess({ config: file }, surroundings()).token, SECRET);
      assert.equal(findAccess({}, surroundings({ DURABLE_LOCKS_CONFIG: file })).token, SECRET);
    }
    symlinkSync("token", join(folder, "project", "alias"));
    write({ url: "https://found.example", tokenFile: "alias" });
    assert.equal(findAccess({}, surroundings()).token, "from the token file");
  });

  test("A named file is trusted, no matter who can write it, and --config comes before DURABLE_LOCKS_CONFIG.", () => {
    const other = join(folder, "other.json");
    writeFileSync(other, JSON.stringify({ url: "http://other" }));
    chmodSync(other, 0o666);
    const named = surroundings({ DURABLE_LOCKS_CONFIG: other, DURABLE_LOCKS_TOKEN: "env" });
    assert.deepEqual(findAccess({}, named), { url: "http://other", token: "env" });
    write({ url: "http://file" });
    assert.equal(findAccess({ config: file }, named).url, "http://file");
    assert.throws(() => findAccess({ config: join(folder, "none.json") }, surroundings(fromEnv)), /can't be read/);
  });

  test("A token file or configuration file that can't be read is refused with the reason.", () => {
    const none = join(folder, "none");
    const inEnv = surroundings(fromEnv);
    assert.throws(() => findAccess({ "token-file": none }, inEnv), /none can't be read \(there is no such file\)\.$/);
    assert.throws(() => findAccess({ "token-file": folder }, inEnv), /can't be read \(EISDIR\)\.$/);
    assert.throws(() => findAccess({ config: none }, inEnv), /none can't be read \(there is no such file\)\.$/);
    assert.throws(() => findAccess({ config: tokenFile }, inEnv), /token is not valid JSON\.$/);
  });

  test("An error in the file is reported without the file's values.", () => {
    write({ url: "http://file", tokn: SECRET });
    assert.throws(() => findAccess({}, surroundings()), /"tokn"/);
    writeFileSync(file, `{ "token": ${SECRET} }`);
    assert.throws(
      () => findAccess({}, surroundings()),
      (error: Error) => /JSON/.test(error.message) && !error.message.includes(SECRET),
    );
  });
});

test("Durations need units.", () => {
  const read = ["500ms", "30s", "1.5m", "2h", "7d", "0"].map((text) => parseDuration(text, "grace"));
  assert.deepEqual(read, [500, 30_000, 90_000, 7_200_000, 604_800_000, 0]);
  for (const text of ["30", "-1s", "1e3s", "s", "", "1 s", "Infinity"])
    assert.throws(() => parseDuration(text, "retain"));
  assert.deepEqual([999, 59_000, 61_000, 3_660_000].map(showDuration), ["999 ms", "59 s", "1 min 1 s", "1 h 1 min"]);
});
