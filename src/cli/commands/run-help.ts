import type { Command } from "../terminal/command.ts";
import { ACCESS } from "../terminal/parse.ts";
import { LEASE_OPTIONS } from "./lease-options.ts";

/** The help of `run`. */
export const RUN_HELP: Omit<Command, "run"> = {
  name: "run",
  positionals: ["ID"],
  takesCommand: true,
  summary: "run a command while holding the lock",
  details: `Waits for the lock, runs the command, and renews the lease meanwhile. Releases the lock when the
command, and everything that it started in its process group, has ended. stdin, stdout, stderr,
signals and the exit code are those of the command. The command gets LOCK_ID and LOCK_LEASE, a number
that grows with every holder. Pass it on to what you write to, so that it can refuse older numbers. A
\`run\` or \`acquire\` of the same lock inside the command would wait for itself, so it fails with 64.

If the lease can't be renewed, the command gets SIGTERM, and after --grace its whole process group
gets SIGKILL, before anyone else can get the lock. This also happens if this program is killed or
suspended. A process that leaves the group (setsid, a daemon) is not stopped. While a process runs that
you may not signal (another user's, as with sudo), the lock stays held, unless you give that process up
with a second SIGTERM or Ctrl-C.

If no stream is a terminal, as under nohup, SIGHUP ends neither this program nor the command. It does
end npx, so run: nohup node_modules/.bin/durable-locks run …`,
  options: {
    ttl: { type: "string", value: "TIME", help: "how long the lease lasts without a renewal; default 30s" },
    wait: { type: "string", value: "TIME", help: "how long to wait for the lock, or `forever`; default forever" },
    "max-hold": {
      type: "string",
      value: "TIME",
      help: "stop the command after this time under the lock, or `forever`; default forever",
    },
    skip: { type: "boolean", help: "if the lock is taken, run nothing and exit 0" },
    once: {
      type: "boolean",
      help: "run the command only once: after it has succeeded, later calls run nothing and exit 0",
    },
    retain: { type: "string", value: "TIME", help: "how long --once remembers the success, up to 366d; default 1d" },
    grace: {
      type: "string",
      value: "TIME",
      help: "time between SIGTERM and SIGKILL, at most a third of --ttl; default 10s or that third",
    },
    ...LEASE_OPTIONS,
    ...ACCESS,
  },
  examples: [
    ["durable-locks run deploy/prod -- ./deploy.sh", "one deployment at a time; the others wait in the queue"],
    ["durable-locks run nightly --skip -- ./backup.sh", "for cron: do nothing if the last run is still at work"],
    [
      "durable-locks run report/2026-11-23 --once --retain 7d -- ./report.sh",
      "start it on three machines, and it runs once",
    ],
    ["durable-locks run gpu --capacity 4 -- python train.py", "four at a time"],
    ["durable-locks run db --wait 5m -- sh -c 'migrate --fence $LOCK_LEASE'", "pass the fencing token on"],
  ],
};
