import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../test/support/node/free-port.ts";

/** When Redis writes: never, or before each answer. */
export type Durability = "in memory" | "appendfsync always";

const FLAGS: Record<Durability, string[]> = {
  "in memory": ["--appendonly", "no"],
  "appendfsync always": ["--appendonly", "yes", "--appendfsync", "always"],
};

/** The version of the installed Redis; undefined if there is none. */
export function redisVersion(): string | undefined {
  const { stdout } = spawnSync("redis-server", ["--version"], { encoding: "utf8" });
  return /v=([\d.]+)/.exec(stdout ?? "")?.[1];
}

/** A Redis on a free port, with its data in a folder. */
export class RedisServer implements Disposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(port: number, child: ChildProcess) {
    this.port = port;
    this.#child = child;
  }

  static async start(folder: string, durability: Durability): Promise<RedisServer> {
    const port = await freePort();
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", ...FLAGS[durability]];
    const server = new RedisServer(port, spawn("redis-server", args, { stdio: "ignore" }));
    for (let tries = 0; tries < 100; tries += 1) {
      if (await listens(port)) return server;
      await sleep(50);
    }
    server[Symbol.dispose]();
    throw new Error("redis-server did not listen within 5 s.");
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}

function listens(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
