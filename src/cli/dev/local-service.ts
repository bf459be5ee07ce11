import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The service as it lies on disk. */
export interface LocalService {
  /** Its command line. The process waits for a line of input; without one, it ends before it has opened anything. */
  command: string;
  args: string[];
  /** Whether this very process listens at its port, and not just any process that answers there. */
  listens: () => boolean;
}

/** The shell waits, and then becomes workerd: one process with one start time. Workerd reports to descriptor 3. */
const WAIT = 'read -r _ && exec 3>"$1" </dev/null && shift && exec "$@"';

/** Lays the service out in `folder` for a workerd. The token is not in it. */
export function layOutService(folder: string, port: number, workerd: string): LocalService {
  mkdirSync(join(folder, "storage"), { recursive: true, mode: 0o700 });
  // It holds the token, and nothing that belongs into a repository.
  writeFileSync(join(folder, ".gitignore"), "*\n");
  // Embedded by its name, for Cap'n Proto takes other paths for those of its own library.
  copyFileSync(new URL("./worker.js", import.meta.url), join(folder, "worker.js"));
  const config = join(folder, "workerd.capnp");
  writeFileSync(config, configOf(join(folder, "storage"), port));
  const report = join(folder, "workerd.log");
  writeFileSync(report, "");
  return {
    command: "sh",
    args: ["-c", WAIT, "sh", report, workerd, "serve", "--control-fd=3", config],
    listens: () => readFileSync(report, "utf8").includes('"event":"listen"'),
  };
}

/** The names of the classes are those of wrangler.toml; the keys name the folders in the storage and must never change. */
const configOf = (storage: string, port: number) => `using Workerd = import "/workerd/workerd.capnp";
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
  durableObjectNamespaces = [
    (className = "DurableLock", uniqueKey = "durable-locks-lock", enableSql = true),
    (className = "LockIndex", uniqueKey = "durable-locks-index", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [
    (name = "DURABLE_LOCK", durableObjectNamespace = "DurableLock"),
    (name = "LOCK_INDEX", durableObjectNamespace = "LockIndex"),
    (name = "TOKENS", fromEnvironment = "TOKENS"),
    (name = "JURISDICTION", fromEnvironment = "JURISDICTION"),
    (name = "LOCATION_HINT", fromEnvironment = "LOCATION_HINT"),
  ],
);
`;
