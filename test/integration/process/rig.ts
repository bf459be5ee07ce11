import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");
const STARTS_WITHIN = 60_000;

/** A `wrangler dev` process in a separate process group with its children. */
export interface Dev {
  /** Asks the Worker, and reads the answer as JSON. */
  ask: <T>(path: string) => Promise<T>;
  /** Kills the process and its children, as a machine failure would. */
  kill: () => void;
}

/** A proxy between two processes. */
export interface Wire {
  /** Cuts every connection through the proxy, and then accepts new ones. */
  cut: () => Promise<void>;
}

/** Several `wrangler dev` processes that find each other. Disposing of the rig leaves nothing of them. */
export class Rig implements AsyncDisposable {
  readonly #folder: string;
  readonly #children = new Set<ChildProcess>();
  readonly #closing: (() => void)[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
    // This also runs if the process is interrupted or ends with an uncaught error.
    process.once("exit", () => {
      this.#killAll();
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    });
  }

  static async create(): Promise<Rig> {
    return new Rig(await mkdtemp(join(tmpdir(), "durable-locks-process-")));
  }

  /** Starts a Worker of this folder. It finds the Workers that were started in the same `registry` before it. */
  async start(name: string, main: string, config: object, registry = "registry"): Promise<Dev> {
    const folder = join(this.#folder, name);
    await Promise.all([folder, join(this.#folder, registry)].map((path) => mkdir(path, { recursive: true })));
    const path = join(folder, "wrangler.json");
    await writeFile(
      path,
      JSON.stringify({
        name,
        main: join(ROOT, "test/integration/process", main),
        compatibility_date: "2026-08-15",
        ...config,
      }),
    );
    const wrangler = join(ROOT, "node_modules/.bin/wrangler");
    const args = [wrangler, "dev", "--config", path, "--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0"];
    const child = spawn(process.execPath, args, {
      cwd: folder,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        WRANGLER_REGISTRY_PATH: join(this.#folder, registry),
        WRANGLER_LOG_PATH: folder,
        // Nothing leaves this machine.
        WRANGLER_SEND_METRICS: "false",
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
      },
    });
    this.#children.add(child);
    const url = await urlOf(name, child);
    const ask = async <T>(asked: string) => {
      const response = await fetch(new URL(asked, url));
      if (!response.ok) throw new Error(`${name} answered ${response.status} to ${asked}: ${await response.text()}`);
      return (await response.json()) as T;
    };
    return { ask, kill: () => killGroup(child) };
  }

  /** Puts a proxy before a Worker. The Workers in the registry `to` reach it through the proxy. */
  async wire(name: string, to: string): Promise<Wire> {
    const folder = join(this.#folder, to);
    await mkdir(folder, { recursive: true });
    const entry = JSON.parse(await readFile(join(this.#folder, "registry", name), "utf8")) as Record<string, string>;
    const [host = "", port] = (entry["debugPortAddress"] ?? "").split(":");
    let proxy: Proxy;
    const lay = async () => {
      proxy = await startProxy({ host, port: Number(port) });
      const debugPortAddress = `127.0.0.1:${proxy.port}`;
      // Renamed into place, because the file is watched and must never be read half-written.
      await writeFile(join(this.#folder, `${name}.new`), JSON.stringify({ ...entry, debugPortAddress }));
      await rename(join(this.#folder, `${name}.new`), join(folder, name));
    };
    await lay();
    this.#closing.push(() => proxy.close());
    const cut = async () => {
      proxy.close();
      // A local Worker never retries an address whose connection broke, so the new proxy has another address.
      await lay();
    };
    return { cut };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#killAll();
    for (const close of this.#closing) close();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  #killAll(): void {
    for (const child of this.#children) killGroup(child);
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // The group is gone already.
  }
}

/** A proxy that forwards connections. */
interface Proxy {
  port: number;
  /** Cuts all connections, and accepts no more. */
  close: () => void;
}

async function startProxy(to: { host: string; port: number }): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(to);
    const both = [
      [near, far],
      [far, near],
    ] as const;
    for (const [one, other] of both) {
      sockets.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
    }
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen(0, "127.0.0.1", resolve);
  await promise;
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

/** The URL that a starting `wrangler dev` prints. */
async function urlOf(name: string, child: ChildProcess): Promise<string> {
  let said = "";
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const fail = (why: string) => reject(new Error(`${name} ${why}:\n${said}`));
  const listen = (chunk: Buffer) => {
    said += chunk.toString();
    const [, url] = /Ready on (http:\S+)/.exec(said) ?? [];
    if (url) resolve(url);
  };
  child.stdout?.on("data", listen);
  child.stderr?.on("data", listen);
  child.once("exit", () => fail("ended"));
  child.once("error", (error) => fail(`did not start (${error.message})`));
  const timer = setTimeout(() => fail(`was not ready within ${STARTS_WITHIN} ms`), STARTS_WITHIN);
  return promise.finally(() => clearTimeout(timer));
}
