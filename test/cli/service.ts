import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../support/node/free-port.ts";
import { type ProgramOptions, Program, until } from "./program.ts";

/** A service that `durable-locks dev` runs, with its storage in a new folder. */
export class DevService implements AsyncDisposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), "durable-locks-cli-"));
  readonly port: number;
  #program: Program | undefined;
  #workerd = 0;

  private constructor(port: number) {
    this.port = port;
  }

  /** Starts it with the given value of `TOKENS`, or with a token that `dev` generates. */
  static async start(tokens?: string): Promise<DevService> {
    const service = new DevService(await freePort());
    if (tokens !== undefined) {
      mkdirSync(service.storage, { mode: 0o700 });
      writeFileSync(join(service.storage, "token"), tokens, { mode: 0o600 });
    }
    await service.restart();
    return service;
  }

  get storage(): string {
    return join(this.folder, "storage");
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The environment in which the program finds the service. */
  get env(): NodeJS.ProcessEnv {
    const token = readFileSync(join(this.storage, "token"), "utf8").trim();
    return { ...process.env, DURABLE_LOCKS_URL: this.url, DURABLE_LOCKS_TOKEN: token };
  }

  /** The process id of workerd. */
  get workerd(): number {
    return this.#workerd;
  }

  get program(): Program {
    if (!this.#program) throw new Error("The service was not started.");
    return this.#program;
  }

  async restart(flags: readonly string[] = []): Promise<void> {
    const program = new Program(["dev", "--json", "--port", String(this.port), "--dir", this.storage, ...flags]);
    this.#program = program;
    const ended = program.exit.then(({ stderr }) => {
      throw new Error(`The service did not start: ${stderr}`);
    });
    ended.catch(() => {});
    const line = await Promise.race([ended, until("the service is ready", () => /^.*\n/.exec(program.stdout)?.[0])]);
    this.#workerd = (JSON.parse(line) as { pid: number }).pid;
  }

  /** Signals workerd, which does all the work. */
  signal(signal: NodeJS.Signals): void {
    process.kill(this.#workerd, signal);
  }

  /** Kills workerd, as a power failure would. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.program.exit;
  }

  run(args: readonly string[], options: ProgramOptions = {}): Program {
    return new Program(args, { env: this.env, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.program.child.exitCode === null && this.program.child.signalCode === null) {
      this.signal("SIGCONT");
      this.program.signal("SIGTERM");
      await this.program.exit;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
