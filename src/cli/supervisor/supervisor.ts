import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import { type ChannelEvent, type ChannelOrder, CHANNEL, listen, send } from "./channel.ts";
import { ignoringHangup } from "./hangup.ts";
import { nameSurvivors } from "./process-group.ts";
import { Reaper } from "./reaper.ts";

/**
 * The guard: the parent of the command, and the one who ends it.
 *
 * A process of its own, in a session of its own, because the one that holds the lease can be killed or stopped. Then the
 * channel closes or the renewals stop, and the guard still ends the command before the lease can pass on. It starts the
 * command itself, so there is no moment in which the command runs and is not guarded.
 */
export function superviseCommand(): void {
  const channel = new Socket({ fd: CHANNEL });
  // If stderr is closed, a message must not end this process before it has ended the command.
  process.stderr.on("error", () => {});
  const tell = (news: ChannelEvent) => send(channel, news);
  let ward: Ward | undefined;
  const obey = (order: ChannelOrder) => {
    if (order.order === "start") ward ??= new Ward(order, tell);
    else if (order.order === "keep") ward?.reaper?.keepUntil(order.deadline ?? Number.POSITIVE_INFINITY);
    else ward?.reaper?.stop(order.why, order.within);
  };
  listen(channel, obey, () => {
    if (ward?.reaper) ward.orphaned();
    else process.exit();
  });
  tell({ news: "ready" });
}

type Start = Extract<ChannelOrder, { order: "start" }>;

class Ward {
  readonly reaper: Reaper | undefined;
  readonly #start: Start;
  readonly #tell: (news: ChannelEvent) => void;
  #isOrphaned = false;
  #isOver = false;

  constructor(start: Start, tell: (news: ChannelEvent) => void) {
    this.#start = start;
    this.#tell = tell;
    const { command, args, ignoreHangup } = start;
    const [program, ...all] = ignoreHangup ? ignoringHangup(command, args) : [command, ...args];
    const child = spawn(program, all, { stdio: "inherit", detached: true });
    child.once("error", ({ code, message }: NodeJS.ErrnoException) => tell({ news: "failed", code, message }));
    if (child.pid === undefined) return;
    this.reaper = new Reaper(child.pid, start.grace, start.deadline ?? Number.POSITIVE_INFINITY, {
      onStop: (why) => tell({ news: "stopping", why }),
      onStuck: (survivors) => tell({ news: "stuck", survivors }),
    });
    tell({ news: "started", pid: child.pid });
    void this.#follow(child, this.reaper);
  }

  /** Nobody renews now: the rest of the lease is the most that the command can get. */
  orphaned(): void {
    if (this.#isOver) return;
    this.#isOrphaned = true;
    if (!this.#start.quiet) say("killed while it held the lock; the command is stopped.");
    this.reaper?.stop("orphaned", this.#start.grace);
  }

  async #follow(child: ChildProcess, reaper: Reaper): Promise<void> {
    const exit = Promise.withResolvers<void>();
    child.once("exit", (code, signal) => {
      this.#tell({ news: "exited", code, signal });
      exit.resolve();
      reaper.leaderEnded();
    });
    const left = await reaper.ended;
    if (!left) await exit.promise;
    this.#isOver = true;
    this.#tell({ news: "gone", left: left ?? null });
    if (left && this.#isOrphaned)
      say(`${nameSurvivors(left)} could not be stopped, and the lock passes on when its ttl ends.`);
    // Exit one turn later, so that the last messages get out first.
    setImmediate(() => process.exit());
  }
}

function say(text: string): void {
  process.stderr.write(`durable-locks: ${text}\n`);
}
