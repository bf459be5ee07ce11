import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import { type ChannelEvent, type ChannelOrder, CHANNEL, listen, send } from "./channel.ts";
import { ignoringHangup } from "./hangup.ts";
import { nameSurvivors } from "./process-group.ts";
import { Reaper } from "./reaper.ts";

/**
 * The supervisor: the parent process of the command, which ends the command in time.
 *
 * It is a separate process in its own session, because the process that holds the lease can be killed or suspended.
 * Then the channel closes or the renewals stop, and the supervisor still ends the command before the lease can pass on.
 * It starts the command itself, so the command never runs unsupervised.
 */
export function superviseCommand(): void {
  const channel = new Socket({ fd: CHANNEL });
  // If stderr is closed, writing a message must not end this process before it has ended the command.
  process.stderr.on("error", () => {});
  const tell = (event: ChannelEvent) => send(channel, event);
  let child: SupervisedChild | undefined;
  const onOrder = (order: ChannelOrder) => {
    if (order.order === "start") child ??= new SupervisedChild(order, tell);
    else if (order.order === "keep") child?.reaper?.keepUntil(order.deadline ?? Number.POSITIVE_INFINITY);
    else child?.reaper?.stop(order.why, order.within);
  };
  listen(channel, onOrder, () => {
    if (child?.reaper) child.onOrphaned();
    else process.exit();
  });
  tell({ event: "ready" });
}

type Start = Extract<ChannelOrder, { order: "start" }>;

class SupervisedChild {
  readonly reaper: Reaper | undefined;
  readonly #start: Start;
  readonly #tell: (event: ChannelEvent) => void;
  #isOrphaned = false;
  #hasEnded = false;

  constructor(start: Start, tell: (event: ChannelEvent) => void) {
    this.#start = start;
    this.#tell = tell;
    const { command, args, ignoreHangup } = start;
    const [program, ...all] = ignoreHangup ? ignoringHangup(command, args) : [command, ...args];
    const child = spawn(program, all, { stdio: "inherit", detached: true });
    child.once("error", ({ code, message }: NodeJS.ErrnoException) => tell({ event: "failed", code, message }));
    if (child.pid === undefined) return;
    this.reaper = new Reaper(child.pid, start.grace, start.deadline ?? Number.POSITIVE_INFINITY, {
      onStop: (why) => tell({ event: "stopping", why }),
      onStuck: (survivors) => tell({ event: "stuck", survivors }),
    });
    tell({ event: "started", pid: child.pid });
    void this.#follow(child, this.reaper);
  }

  /** The program that renews the lease has ended, so the command can get at most the rest of the lease. */
  onOrphaned(): void {
    if (this.#hasEnded) return;
    this.#isOrphaned = true;
    if (!this.#start.quiet) say("the program was killed while it held the lock, so the command is stopped.");
    this.reaper?.stop("orphaned", this.#start.grace);
  }

  async #follow(child: ChildProcess, reaper: Reaper): Promise<void> {
    const exit = Promise.withResolvers<void>();
    child.once("exit", (code, signal) => {
      this.#tell({ event: "exited", code, signal });
      exit.resolve();
      reaper.leaderEnded();
    });
    const left = await reaper.ended;
    if (!left) await exit.promise;
    this.#hasEnded = true;
    this.#tell({ event: "gone", left: left ?? null });
    if (left && this.#isOrphaned)
      say(`${nameSurvivors(left)} could not be stopped. The lock passes on when its ttl ends.`);
    // Exit one turn of the event loop later, so that the last messages get out first.
    setImmediate(() => process.exit());
  }
}

function say(text: string): void {
  process.stderr.write(`durable-locks: ${text}\n`);
}
