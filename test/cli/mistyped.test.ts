// What the command line says about a word that it does not know, and about a value that it can't take.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nearest } from "../../src/cli/terminal/nearest.ts";
import { Program } from "./program.ts";

const env = {
  PATH: process.env["PATH"],
  DURABLE_LOCKS_URL: "http://127.0.0.1:9",
  DURABLE_LOCKS_TOKEN: "a-token-for-no-service",
};

/** The program's complaint about a command line: one line, with the exit code for wrong arguments. */
async function complaintAbout(line: string): Promise<string> {
  const { code, stdout, stderr } = await new Program(line.split(" "), { env }).exit;
  assert.deepEqual({ code, stdout }, { code: 64, stdout: "" }, `${line}: ${stderr}`);
  const [, message = ""] = /^durable-locks: (.+)\n$/.exec(stderr) ?? [];
  return message;
}

/** Checks the complaint about each command line. */
async function assertComplaints(expected: Readonly<Record<string, string>>): Promise<void> {
  for (const [line, message] of Object.entries(expected)) assert.equal(await complaintAbout(line), message, line);
}

describe("Words that the command line does not know", { concurrency: 2 }, () => {
  test("A mistyped command is refused with the name of the nearest command.", () =>
    assertComplaints({
      "statsu x": 'Unknown command "statsu": did you mean "status"?',
      "force_release x": 'Unknown command "force_release": did you mean "force-release"?',
      "help rum": 'Unknown command "rum": did you mean "run"?',
      version: 'Unknown command "version": did you mean "--version"?',
      "--hepl": 'Unknown option "--hepl": did you mean "--help"?',
    }));

  test("A command that is like none is refused with the list of all commands and the way to the help.", () =>
    assertComplaints({
      unlock:
        'Unknown command "unlock". The commands are run, acquire, renew, release, status, watch, force-release, dev. ' +
        "See `durable-locks --help`.",
    }));

  test("A mistyped option is refused with the name of the nearest option of its command.", () =>
    assertComplaints({
      "run x --wiat 5s -- true": 'Unknown option "--wiat": did you mean "--wait"?',
      "run x --max_hold=5s -- true": 'Unknown option "--max_hold": did you mean "--max-hold"?',
      "acquire x -wait 5s": 'Unknown option "-wait": did you mean "--wait"?',
      "dev -h": 'Unknown option "-h": did you mean "--help"?',
    }));

  test("An option of other commands is refused with the names of the commands that take it.", () =>
    assertComplaints({
      "status x --skip": "--skip is an option of run, not of status. See `durable-locks status --help`.",
      "status x --ttl 5s":
        "--ttl is an option of run, acquire and renew, not of status. See `durable-locks status --help`.",
    }));

  test("An option that is like none is refused with the way to the help, and without its value.", () =>
    assertComplaints({
      "status x --frobnicate=secret": 'Unknown option "--frobnicate". See `durable-locks status --help`.',
      "status x --constructor": 'Unknown option "--constructor". See `durable-locks status --help`.',
      "status x --__proto__=1": 'Unknown option "--__proto__". See `durable-locks status --help`.',
    }));

  test("What stands after -- is never checked, even if it looks like a mistyped option.", async () => {
    const line = "run x --ttl 5s -- true --wiat --wait -1s --json --help";
    const { code, stdout, stderr } = await new Program(line.split(" "), { env: { PATH: env.PATH }, cwd: "/" }).exit;
    // The program got as far as looking for the service.
    assert.deepEqual({ code, stdout }, { code: 78, stdout: "" });
    assert.match(stderr, /^durable-locks: No URL/);
  });
});

const SUCH = "a duration such as 500ms, 10s, 5m, 2h";
const MOST = Number.MAX_SAFE_INTEGER;

describe("Values that an option can't take", { concurrency: 2 }, () => {
  test("A negative duration is refused as negative, with and without an equals sign.", () =>
    assertComplaints({
      "run x --wait -1s -- true": `--wait must be ${SUCH}, 1d, 0 or forever, not "-1s": it can't be negative.`,
      "acquire x --wait=-1s": `--wait must be ${SUCH}, 1d, 0 or forever, not "-1s": it can't be negative.`,
      "renew x 5 --ttl -5s": `--ttl must be ${SUCH} or 1d, not "-5s": it can't be negative.`,
      "run x --max-hold -.5s -- true": `--max-hold must be ${SUCH}, 1d or forever, not "-.5s": it can't be negative.`,
      "run x --grace -1 -- true": `--grace must be ${SUCH}, 1d or 0, not "-1": it can't be negative.`,
      "run x --once --retain -1d -- true": `--retain must be ${SUCH} or 1d, not "-1d": it can't be negative.`,
    }));

  test("A negative number is refused with the range that the option takes.", () =>
    assertComplaints({
      "acquire x --permits -1": `--permits must be a whole number from 1 to ${MOST}, not "-1".`,
      "acquire x --capacity -2": `--capacity must be a whole number from 1 to ${MOST}, or unlimited, not "-2".`,
      "dev --port -1": '--port must be a whole number from 1 to 65535, not "-1".',
    }));

  test("A number without a unit is refused with the two durations that it could mean.", () =>
    assertComplaints({
      "acquire x --ttl 30":
        '--ttl must be a duration with its unit, not "30": write 30s for seconds or 30ms for milliseconds.',
    }));

  test("A duration beyond a limit is refused with the option and its limits, in units that you can type.", () =>
    assertComplaints({
      "acquire x --ttl 2d": '--ttl must be from 1ms to 1d, not "2d".',
      "acquire x --ttl 0": '--ttl must be from 1ms to 1d, not "0".',
      "acquire x --wait 25h": '--wait must be from 0 to 1d, or forever, not "25h".',
      "run x --max-hold 0 -- true": '--max-hold must be from 1ms to 1d, or forever, not "0".',
      "run x --once --retain 367d -- true": '--retain must be from 1ms to 366d, not "367d".',
    }));

  test("More permits than the capacity, and permits without a capacity, are refused by the names of the options.", () =>
    assertComplaints({
      "acquire x --permits 2": "--permits needs --capacity, the number of permits in all.",
      "acquire x --permits 5 --capacity 2": "--permits must be at most --capacity, which is 2, not 5.",
    }));

  test("An option without its value is refused, and does not take the next option for it.", () =>
    assertComplaints({
      "acquire x --wait": "--wait needs a value: write `--wait TIME`. See `durable-locks acquire --help`.",
      "acquire x --owner --ttl 5s":
        "--owner needs a value, but --ttl follows: write `--owner TEXT`, or `--owner=TEXT` if the value begins with a " +
        "dash. See `durable-locks acquire --help`.",
      "status x --json=1": "--json takes no value: write `--json` alone. See `durable-locks status --help`.",
    }));
});

test("The nearest word is at most a third of its letters away, or the only one that begins as typed.", () => {
  const words = ["run", "renew", "release", "status"];
  const found = ["rnu", "RUN", "realese", "sta", "re", "r", "", "lock", "x".repeat(100_000)].map((typed) =>
    nearest(typed, words),
  );
  const none = undefined;
  assert.deepEqual(found, ["run", "run", "release", "status", none, none, none, none, none]);
});
