// Every default that the help of a command states is accepted when it is typed.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Exit, Program } from "./program.ts";
import { DevService } from "./service.ts";

const COMMANDS = ["run", "acquire", "renew", "release", "status", "watch", "force-release", "dev"];

let service: DevService;
const folder = mkdtempSync(join(tmpdir(), "durable-locks-cli-"));
before(async () => {
  service = await DevService.start();
});
after(async () => {
  await service?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const call = (...args: string[]): Promise<Exit> => service.run(args).exit;

/** The options of a command with the defaults that its help states, as you would type them. */
async function defaultsOf(command: string): Promise<[string, string][]> {
  const { stdout } = await call(command, "--help");
  const stated = [...stdout.matchAll(/^ {2}--([a-z-]+) .*\bdefault (?!the file)([^\s;,]+)/gm)];
  return stated.map(([, option = "", value = ""]) => [option, value]);
}

/** The options that some options need beside them. */
const BESIDE: Readonly<Record<string, string[]>> = { permits: ["--capacity", "2"], retain: ["--once"] };

/** How to call each command that states a default. */
const CALLS: Readonly<Record<string, (id: string, typed: string[]) => Promise<Exit>>> = {
  run: (id, typed) => call("run", id, ...typed, "--", "true"),
  acquire: (id, typed) => call("acquire", id, ...typed),
  renew: async (id, typed) => call("renew", id, (await call("acquire", id)).stdout.trim(), ...typed),
};

for (const command of COMMANDS.filter((name) => name !== "dev"))
  test(`Each default in the help of ${command} is accepted when it is typed.`, async () => {
    for (const [option, value] of await defaultsOf(command)) {
      const typed = [`--${option}`, value, ...(BESIDE[option] ?? [])];
      const { code, stderr } = (await CALLS[command]?.(`${command}:${option}`, typed)) ?? { code: -1, stderr: "" };
      assert.equal(code, 0, `${command} ${typed.join(" ")}: ${stderr}`);
    }
  });

test("Each default in the help of dev is accepted when it is typed.", async () => {
  const defaults = await defaultsOf("dev");
  assert.deepEqual(
    defaults.map(([option]) => option),
    ["port", "dir"],
  );
  // Another program may listen at the port. Then dev says so, with another code than for an unknown option.
  const program = new Program(["dev", "--json", ...defaults.flatMap(([option, value]) => [`--${option}`, value])], {
    cwd: folder,
  });
  const ended = await Promise.race([program.exit, program.until("it is ready", () => /\n/.exec(program.stdout))]);
  program.signal("SIGTERM");
  if ("code" in ended) assert.match(ended.stderr, /8787/);
  assert.notEqual((await program.exit).code, 64);
});

test("The help of run, acquire and renew states their defaults.", async () => {
  assert.deepEqual(Object.fromEntries(await defaultsOf("run")), {
    ttl: "30s",
    wait: "forever",
    "max-hold": "forever",
    retain: "1d",
    grace: "10s",
    owner: "user@host:pid",
    permits: "1",
  });
  assert.deepEqual((await defaultsOf("acquire")).slice(0, 2), [
    ["ttl", "30s"],
    ["wait", "0"],
  ]);
  assert.deepEqual(await defaultsOf("renew"), [["ttl", "30s"]]);
});
