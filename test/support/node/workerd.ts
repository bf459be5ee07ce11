import { closeSync, copyFileSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Child, Children } from "./children.ts";

const STARTS_WITHIN = 30_000;

/** The workerd that `wrangler dev` would run, found as wrangler finds it. Run directly, it can be killed on its own. */
function workerd(): string {
  const below = (name: string, from: string) => createRequire(createRequire(from).resolve(name)).resolve;
  const resolve = below("miniflare", below("wrangler", import.meta.filename)("wrangler"));
  return (createRequire(resolve("miniflare"))("workerd") as { default: string }).default;
}

/** What workerd runs. */
interface Hosted {
  /** The path of a bundled module. */
  worker: string;
  /** The port to listen on. @default any free port, another one with each start */
  port?: number;
  /** The tokens of a lock service. */
  tokens?: string;
  /** The port for a debugger. @default none */
  inspector?: number | undefined;
}

const configOf = (
  storage: string,
  { port = 0, tokens = "" }: Hosted,
) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "disk", disk = (path = ${JSON.stringify(storage)}, writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-08-15",
  durableObjectNamespaces = [(className = "DurableLock", uniqueKey = "chaos", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [
    (name = "DURABLE_LOCK", durableObjectNamespace = "DurableLock"),
    (name = "TOKENS", text = ${JSON.stringify(tokens)}),
  ],
);
`;

/** Local workerd with its objects on disk. It can be killed and started again on the same storage. */
export class Server {
  readonly #folder: string;
  readonly #children: Children;
  readonly #inspector: number | undefined;
  #child: Child | undefined;
  #port = 0;

  private constructor(folder: string, children: Children, { inspector }: Hosted) {
    this.#folder = folder;
    this.#children = children;
    this.#inspector = inspector;
  }

  static async create(folder: string, children: Children, hosted: Hosted): Promise<Server> {
    const storage = join(folder, "storage");
    mkdirSync(storage);
    copyFileSync(hosted.worker, join(folder, "worker.js"));
    writeFileSync(join(folder, "config.capnp"), configOf(storage, hosted));
    const server = new Server(folder, children, hosted);
    await server.start();
    return server;
  }

  /** The process id of workerd. */
  get pid(): number | undefined {
    return this.#child?.process.pid;
  }

  /** The port on which it currently listens. */
  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    const log = openSync(join(this.#folder, "workerd.log"), "a");
    const args = ["serve", join(this.#folder, "config.capnp"), "--control-fd=3"];
    if (this.#inspector !== undefined) args.push(`--inspector-addr=127.0.0.1:${this.#inspector}`);
    const child = this.#children.start(workerd(), args, { stdio: ["ignore", log, log, "pipe"] });
    closeSync(log);
    this.#child = child;
    this.#port = await portOf(child);
  }

  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.signal(name);
  }
}

/** The port on which workerd listens, as workerd reports it. */
async function portOf({ process: child, gone }: Child): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  void gone.then(() => reject(new Error("workerd ended before it listened; see workerd.log.")));
  const timer = setTimeout(
    () => reject(new Error(`workerd did not listen within ${STARTS_WITHIN} ms.`)),
    STARTS_WITHIN,
  );
  createInterface({ input: child.stdio[3] as Readable }).on("line", (line) => {
    const { event, port } = JSON.parse(line) as { event: string; port?: number };
    if (event === "listen" && port !== undefined) resolve(port);
  });
  return promise.finally(() => clearTimeout(timer));
}
