import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { EXIT, Failure } from "../terminal/exit-codes.ts";
import { type ChannelEvent, CHANNEL, listen, send } from "./channel.ts";
import { ignoresHangup } from "./hangup.ts";
import { type Survivors, isGroupAlive, signalGroup, signalProcess } from "./process-group.ts";
import { type EndReason, Reaper } from "./reaper.ts";

/** The argument that makes this program a guard. */
const GUARD = "__guard";

/** What is to be run under guard. */
export interface CommandSpec {
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Milliseconds between SIGTERM and SIGKILL. */
  grace: number;
  /** Until when it may run, on the monotonic clock, `Infinity` for no end; throws if it may no longer be started. */
  deadline: () => number;
  quiet: boolean;
  /** Both for its stdout; with "stderr", its stdin is what `input` gives it. */
  output: "inherit" | "stderr";
  /** Hears which processes are left that can't be ended, if there are any. */
  onStuck?: (survivors: Survivors) => void;
}

/** How a command came to its end. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Why it was stopped, if it did not end of its own accord. */
  stopped: EndReason | undefined;
  /** The processes that could not be stopped and still run. */
  left: Survivors | undefined;
}

/** Before anything is taken for a command that can't be guarded. */
export function checkPlatform(command: string): void {
  if (process.platform !== "win32") return;
  throw new Failure(EXIT.config, `\`${command}\` needs process groups, which Windows does not have: use WSL.`);
}

/** How long the guard may take to start the command. */
const STARTS_WITHIN = 10_000;

/** How long the guard may take to end what can be ended, once the rest is given up. */
const GIVES_UP_WITHIN = 4_000;

/** A command under guard: what runs is a process group, and it is over when all of the group is. */
export class SupervisedCommand {
  /** Fulfils when nothing of the command can run, or when the lease is no longer kept for what can't be ended. */
  readonly ended: Promise<Ending>;
  readonly #guard: ChildProcess;
  readonly #channel: Duplex;
  readonly #job: CommandSpec;
  readonly #started = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<Ending>();
  readonly #ending: Ending = { code: null, signal: null, stopped: undefined, left: undefined };
  #reaper: Reaper | undefined;
  #isLetGo = false;
  #isGivenUp = false;
  #pid: number | undefined;
  #isOver = false;

  private constructor(job: CommandSpec) {
    this.#job = job;
    this.ended = this.#gone.promise;
    const [script = ""] = process.argv.slice(1);
    const stdio =
      job.output === "stderr"
        ? (["pipe", 2, 2, "pipe"] as const)
        : (["inherit", "inherit", "inherit", "pipe"] as const);
    // Detached: neither Ctrl-C nor the end of the terminal reaches it.
    const options = { stdio: [...stdio], detached: true, env: job.env };
    this.#guard = spawn(process.execPath, [...process.execArgv, script, GUARD], options);
    this.#guard.once("error", ({ message }) => this.#started.reject(cantStart(message)));
    this.#channel = this.#guard.stdio[CHANNEL] as Duplex;
    listen(
      this.#channel,
      (news: ChannelEvent) => this.#hear(news),
      () => void this.#unguarded(),
    );
  }

  /** Starts the command, or throws if it or its guard can't be started: then nothing runs. */
  static async start(job: CommandSpec): Promise<SupervisedCommand> {
    const ward = new SupervisedCommand(job);
    const timer = setTimeout(() => ward.#started.reject(cantStart("it does not answer")), STARTS_WITHIN);
    try {
      await ward.#started.promise;
      return ward;
    } catch (error) {
      // Not killed: if it has started the command meanwhile, it is what ends it.
      ward.#channel.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The process id of the command, which is that of its group too. */
  get pid(): number {
    return this.#pid ?? 0;
  }

  /** Writes the input of the command and closes it. If this process ends first, the input ends empty. */
  input(text: string): void {
    // The command may have ended meanwhile; the guard reports that.
    this.#guard.stdin?.on("error", () => {}).end(text);
  }

  /** The lease is known to last until then. */
  keepUntil(deadline: number): void {
    send(this.#channel, { order: "keep", deadline: finite(deadline) });
  }

  /** SIGTERM now, SIGKILL after `within` ms at the latest. */
  stop(why: EndReason, within: number): void {
    this.#ending.stopped ??= why;
    send(this.#channel, { order: "stop", why, within });
    this.#reaper?.stop(why, within);
  }

  /** Kills now what SIGKILL can reach, and leaves the rest alone. */
  giveUp(): void {
    this.#isGivenUp = true;
    send(this.#channel, { order: "stop", why: "given-up", within: 0 });
    this.#dismiss(GIVES_UP_WITHIN);
  }

  /** Passes a signal on: to all of the group as a terminal does, or to the command alone. */
  signal(signal: NodeJS.Signals, toAll: boolean): void {
    if (this.#pid === undefined || this.#isOver) return;
    if (toAll) signalGroup(this.#pid, signal);
    else if (this.#ending.code === null && this.#ending.signal === null) signalProcess(this.#pid, signal);
  }

  /** SIGKILL from here, in case the guard is stopped; after that the guard is no longer needed. */
  kill(): void {
    if (this.#pid === undefined || this.#isOver) return;
    this.#ending.stopped ??= "lost";
    signalGroup(this.#pid, "SIGKILL");
    this.#dismiss(1_000);
  }

  /** Ends the guard if it has not ended by then: the guard itself may be suspended. */
  #dismiss(within: number): void {
    this.#isLetGo = true;
    this.#reaper?.stop("lost", 0);
    setTimeout(() => this.#guard.kill("SIGKILL"), within).unref();
  }

  #hear(news: ChannelEvent): void {
    if (news.news === "ready") this.#order();
    else if (news.news === "started") {
      this.#pid = news.pid;
      this.#started.resolve();
    } else if (news.news === "failed") this.#started.reject(notStarted(this.#job.command, news));
    else if (news.news === "stopping") {
      if (news.why !== "leftovers" && news.why !== "given-up") this.#ending.stopped ??= news.why;
    } else if (news.news === "exited") {
      this.#ending.code = news.code;
      this.#ending.signal = news.signal;
    } else if (news.news === "stuck") this.#job.onStuck?.(news.survivors);
    else this.#over(news.left ?? undefined);
  }

  /** Only now is it known until when the command may run: a guard may take long to come up. */
  #order(): void {
    const { deadline, command, args, grace, quiet } = this.#job;
    try {
      const start = { command, args, grace, quiet, ignoreHangup: ignoresHangup() };
      send(this.#channel, { order: "start", ...start, deadline: finite(deadline()) });
    } catch (error) {
      this.#started.reject(error);
    }
  }

  #over(left: Survivors | undefined): void {
    this.#isOver = true;
    this.#ending.left = left;
    if (left && this.#isGivenUp) this.#ending.stopped = "given-up";
    this.#gone.resolve(this.#ending);
  }

  /** The guard has ended before its ward: without it nothing may run. */
  async #unguarded(): Promise<void> {
    this.#started.reject(cantStart("it ended"));
    if (this.#isOver || this.#pid === undefined) return;
    if (!isGroupAlive(this.#pid)) return this.#over(undefined);
    this.#ending.stopped ??= "unguarded";
    const listener = { onStop: () => {}, onStuck: (survivors: Survivors) => this.#job.onStuck?.(survivors) };
    this.#reaper = new Reaper(this.#pid, this.#job.grace, Number.POSITIVE_INFINITY, listener);
    if (this.#isLetGo) this.#reaper.stop("lost", 0);
    else this.#reaper.stop("unguarded", this.#job.grace);
    this.#over(await this.#reaper.ended);
  }
}

function finite(deadline: number): number | null {
  return deadline === Number.POSITIVE_INFINITY ? null : deadline;
}

function cantStart(why: string): Failure {
  return new Failure(EXIT.internal, `The guard process could not be started (${why}), so nothing was run.`);
}

function notStarted(command: string, { code, message }: { code: string | undefined; message: string }): Failure {
  if (code === "ENOENT") return new Failure(EXIT.notFound, `${command}: command not found`);
  return new Failure(EXIT.notExecutable, `${command}: can't be executed (${code ?? message})`);
}
