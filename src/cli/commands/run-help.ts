import type { Command } from "../terminal/command.ts";
import { ACCESS } from "../terminal/parse.ts";
import { LEASE_OPTIONS } from "./lease-options.ts";

/** What the help says of `run`. */
export const RUN_HELP: Omit<Command, "run"> = {
  name: "run",
  positionals: ["ID"],
  takesCommand: true,
  summary: "run a command while holding the lock",
  details: `Waits for the lock, runs the command, renews the lease meanwhile, and releases the lock when
the command and all that it left running in its process group have ended. stdin, stdout, stderr,
signals and the exit code are the command's. It gets LOCK_ID, and LOCK_LEASE: a number that grows
with every holder. Hand it to what you write to, so that it can refuse older ones. A \`run\` or
\`acquire\` of the same lock inside the command would wait for itself: it fails with 64 instead.

If the lease can't be renewed, the command gets SIGTERM, and --grace later SIGKILL with its whole
process group, before the lock can go to anybody else; also if this program is killed or stopped.
Only a process that leaves the group (setsid, a daemon) is not followed. One that you may not signal
(of another user, as by sudo) keeps the lock while it runs; a second SIGTERM or Ctrl-C leaves it.

If no stream is a terminal, as under nohup, SIGHUP ends neither this program nor the command. npx dies of
it: nohup node_modules/.bin/durable-locks run …`,
  options: {
    ttl: { type: "string", value: "TIME", help: "how long the lease outlives a lost connection; default 30s" },
    wait: { type: "string", value: "TIME", help: "how long to wait for the lock, or `forever`; default forever" },
    "max-hold": {
      type: "string",
      value: "TIME",
      help: "hold the lock no longer, then stop the command, or `forever`; default forever",
    },
    skip: { type: "boolean", help: "if the lock is taken, run nothing and exit 0" },
    once: { type: "boolean", help: "run it once: when it has succeeded, later calls run nothing and exit 0" },
    retain: { type: "string", value: "TIME", help: "how long --once remembers, up to 366d; default 1d" },
    grace: {
      type: "string",
      value: "TIME",
      help: "between SIGTERM and SIGKILL; default 10s or a third of --ttl, the most",
    },
    ...LEASE_OPTIONS,
    ...ACCESS,
  },
  examples: [
    ["durable-locks run deploy/prod -- ./deploy.sh", "one deployment at a time; the others wait in line"],
    ["durable-locks run nightly --skip -- ./backup.sh", "for cron: if it still runs, do nothing"],
    ["durable-locks run report/2026-11-23 --once --retain 7d -- ./report.sh", "from three machines, once"],
    ["durable-locks run gpu --capacity 4 -- python train.py", "four at a time"],
    ["durable-locks run db --wait 5m -- sh -c 'migrate --fence $LOCK_LEASE'", "hand the fencing token on"],
  ],
};
