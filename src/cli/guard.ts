import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import { CHANNEL, type News, type Order, listen, send } from "./guard-channel.ts";
import { Reaper } from "./reaper.ts";

/**
 * The guard: the parent of the command, and the one who ends it.
 *
 * A process of its own, in a session of its own, because the one that holds the lease can be killed or stopped: then
 * the channel closes or no renewal is heard of any more, and the command is ended all the same before the lease can
 * pass on. It starts the command itself, so there is no moment in which the command runs and is not guarded.
 */
export function guard(): void {
  const channel = new Socket({ fd: CHANNEL });
  const tell = (news: News) => send(channel, news);
  let ward: Ward | undefined;
  const obey = (order: Order) => {
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

type Start = Extract<Order, { order: "start" }>;

class Ward {
  readonly reaper: Reaper | undefined;
  readonly #start: Start;

  constructor(start: Start, tell: (news: News) => void) {
    this.#start = start;
    const child = spawn(start.command, start.args, { stdio: "inherit", detached: true });
    child.once("error", ({ code, message }: NodeJS.ErrnoException) => tell({ news: "failed", code, message }));
    if (child.pid === undefined) return;
    const deadline = start.deadline ?? Number.POSITIVE_INFINITY;
    this.reaper = new Reaper(child.pid, start.grace, deadline, (why) => tell({ news: "stopping", why }));
    tell({ news: "started", pid: child.pid });
    this.#follow(child, this.reaper, tell);
  }

  /** Nobody renews any more: what is left of the lease is the most that the command can get. */
  orphaned(): void {
    const { quiet, grace } = this.#start;
    if (!quiet) process.stderr.write("durable-locks: killed while it held the lock; the command is stopped.\n");
    this.reaper?.stop("orphaned", grace);
  }

  #follow(child: ChildProcess, reaper: Reaper, tell: (news: News) => void): void {
    const onExit = async (code: number | null, signal: NodeJS.Signals | null) => {
      tell({ news: "exited", code, signal });
      await reaper.gone();
      tell({ news: "gone" });
      // A turn later, for what was told must get out first.
      setImmediate(() => process.exit());
    };
    child.once("exit", (code, signal) => void onExit(code, signal));
  }
}
