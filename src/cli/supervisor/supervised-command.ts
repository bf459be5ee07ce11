import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { EXIT, Failure } from "../terminal/exit-codes.ts";
import { type ChannelEvent, CHANNEL, listen, send } from "./channel.ts";
import { ignoresHangup } from "./hangup.ts";
import { type Survivors, isGroupAlive, signalGroup, signalProcess } from "./process-group.ts";
import { type EndReason, Reaper } from "./reaper.ts";

/** The argument that makes this program a supervisor. */
const SUPERVISOR = "__supervisor";

/** What to run under a supervisor. */
export interface CommandSpec {
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Milliseconds between SIGTERM and SIGKILL. */
  grace: number;
  /** Until when the command may run, on the monotonic clock; `Infinity` means no limit. Throws if it must not start. */
  deadline: () => number;
  quiet: boolean;
  /** Where stdout goes. With "stderr", `input` provides the stdin. */
  output: "inherit" | "stderr";
  /** Called with the remaining processes if they can't be ended. */
  onStuck?: (survivors: Survivors) => void;
}

/** How a command ended. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Why it was stopped; undefined if it ended by itself. */
  stopped: EndReason | undefined;
  /** The processes that could not be stopped and still run. */
  left: Survivors | undefined;
}

/** Throws where a command can't be supervised. Call this before you acquire or start anything. */
export function checkPlatform(command: string): void {
  if (process.platform !== "win32") return;
  throw new Failure(EXIT.config, `\`${command}\` needs process groups, which Windows does not have: use WSL.`);
}

/** How long the supervisor may take to start the command, in milliseconds. */
const STARTS_WITHIN = 10_000;

/** How long the supervisor may take to end what can be ended, once the rest is given up, in milliseconds. */
const GIVES_UP_WITHIN = 4_000;

/** A command under a supervisor. It runs as a process group, and ends when the whole group has ended. */
export class SupervisedCommand {
  /** Fulfils when no process of the command can run, or when the lease is no longer held for those that remain. */
  readonly ended: Promise<Ending>;
  readonly #supervisor: ChildProcess;
  readonly #channel: Duplex;
  readonly #job: CommandSpec;
  readonly #started = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<Ending>();
  readonly #ending: Ending = { code: null, signal: null, stopped: undefined, left: undefined };
  #reaper: Reaper | undefined;
  #isDismissed = false;
  #isGivenUp = false;
  #pid: number | undefined;
  #hasEnded = false;

  private constructor(job: CommandSpec) {
    this.#job = job;
    this.ended = this.#gone.promise;
    const [script = ""] = process.argv.slice(1);
    const stdio =
      job.output === "stderr"
        ? (["pipe", 2, 2, "pipe"] as const)
        : (["inherit", "inherit", "inherit", "pipe"] as const);
    // Detached, so that neither Ctrl-C nor the end of the terminal reaches the supervisor.
    const options = { stdio: [...stdio], detached: true, env: job.env };
    this.#supervisor = spawn(process.execPath, [...process.execArgv, script, SUPERVISOR], options);
    this.#supervisor.once("error", ({ message }) => this.#started.reject(cantStart(message)));
    this.#channel = this.#supervisor.stdio[CHANNEL] as Duplex;
    listen(
      this.#channel,
      (event: ChannelEvent) => this.#onEvent(event),
      () => void this.#onSupervisorEnd(),
    );
  }

  /** Starts the command. Throws if it or its supervisor can't be started; in that case nothing runs. */
  static async start(job: CommandSpec): Promise<SupervisedCommand> {
    const supervised = new SupervisedCommand(job);
    const timer = setTimeout(() => supervised.#started.reject(cantStart("it does not answer")), STARTS_WITHIN);
    try {
      await supervised.#started.promise;
      return supervised;
    } catch (error) {
      // Don't kill the supervisor: if it has started the command meanwhile, it must end the command.
      supervised.#channel.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The process id of the command, which is also the id of its group. */
  get pid(): number {
    return this.#pid ?? 0;
  }

  /** Writes the input of the command and closes it. If this process ends first, the input ends empty. */
  input(text: string): void {
    // The command may have ended meanwhile; the supervisor reports that.
    this.#supervisor.stdin?.on("error", () => {}).end(text);
  }

  /** Tells the supervisor that the lease lasts until `deadline`. */
  keepUntil(deadline: number): void {
    send(this.#channel, { order: "keep", deadline: finite(deadline) });
  }

  /** Sends SIGTERM now, and SIGKILL after `within` ms at the latest. */
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

  /** Passes a signal on: to the whole group, as a terminal does, or only to the command itself. */
  signal(signal: NodeJS.Signals, toAll: boolean): void {
    if (this.#pid === undefined || this.#hasEnded) return;
    if (toAll) signalGroup(this.#pid, signal);
    else if (this.#ending.code === null && this.#ending.signal === null) signalProcess(this.#pid, signal);
  }

  /** Kills the command and its group from here, because the supervisor may be suspended. The supervisor must end after that. */
  kill(): void {
    if (this.#pid === undefined || this.#hasEnded) return;
    this.#ending.stopped ??= "lost";
    signalGroup(this.#pid, "SIGKILL");
    this.#dismiss(1_000);
  }

  /** Kills the supervisor if it has not ended within this time: it may be suspended. */
  #dismiss(within: number): void {
    this.#isDismissed = true;
    this.#reaper?.stop("lost", 0);
    setTimeout(() => this.#supervisor.kill("SIGKILL"), within).unref();
  }

  #onEvent(report: ChannelEvent): void {
    if (report.event === "ready") this.#order();
    else if (report.event === "started") {
      this.#pid = report.pid;
      this.#started.resolve();
    } else if (report.event === "failed") this.#started.reject(notStarted(this.#job.command, report));
    else if (report.event === "stopping") {
      if (report.why !== "leftovers" && report.why !== "given-up") this.#ending.stopped ??= report.why;
    } else if (report.event === "exited") {
      this.#ending.code = report.code;
      this.#ending.signal = report.signal;
    } else if (report.event === "stuck") this.#job.onStuck?.(report.survivors);
    else this.#finish(report.left ?? undefined);
  }

  /** Orders the start. Reads the deadline only now, because the supervisor may have taken long to come up. */
  #order(): void {
    const { deadline, command, args, grace, quiet } = this.#job;
    try {
      const start = { command, args, grace, quiet, ignoreHangup: ignoresHangup() };
      send(this.#channel, { order: "start", ...start, deadline: finite(deadline()) });
    } catch (error) {
      this.#started.reject(error);
    }
  }

  #finish(left: Survivors | undefined): void {
    this.#hasEnded = true;
    this.#ending.left = left;
    if (left && this.#isGivenUp) this.#ending.stopped = "given-up";
    this.#gone.resolve(this.#ending);
  }

  /** If the supervisor ends before the command, ends the command: nothing may run without a supervisor. */
  async #onSupervisorEnd(): Promise<void> {
    this.#started.reject(cantStart("it ended"));
    if (this.#hasEnded || this.#pid === undefined) return;
    if (!isGroupAlive(this.#pid)) return this.#finish(undefined);
    this.#ending.stopped ??= "unsupervised";
    const listener = { onStop: () => {}, onStuck: (survivors: Survivors) => this.#job.onStuck?.(survivors) };
    this.#reaper = new Reaper(this.#pid, this.#job.grace, Number.POSITIVE_INFINITY, listener);
    if (this.#isDismissed) this.#reaper.stop("lost", 0);
    else this.#reaper.stop("unsupervised", this.#job.grace);
    this.#finish(await this.#reaper.ended);
  }
}

function finite(deadline: number): number | null {
  return deadline === Number.POSITIVE_INFINITY ? null : deadline;
}

function cantStart(why: string): Failure {
  return new Failure(EXIT.internal, `The supervisor process could not be started (${why}), so nothing was run.`);
}

function notStarted(command: string, { code, message }: { code: string | undefined; message: string }): Failure {
  if (code === "ENOENT") return new Failure(EXIT.notFound, `${command}: command not found`);
  return new Failure(EXIT.notExecutable, `${command}: can't be executed (${code ?? message})`);
}
