import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The service on disk. */
export interface LocalService {
  /** Its command line. The process waits for a line of input. If none comes, it ends before it has opened anything. */
  command: string;
  args: string[];
  /** Whether this process itself listens on the port. Another process could answer there. */
  listens: () => boolean;
}

/** The shell waits, then becomes workerd: one process with one start time. Workerd reports to descriptor 3. */
const WAIT = 'read -r _ && exec 3>"$1" </dev/null && shift && exec "$@"';

/** Writes the files of the service to `folder`, for this workerd. They do not contain the token. */
export function layOutService(folder: string, port: number, workerd: string): LocalService {
  mkdirSync(join(folder, "storage"), { recursive: true, mode: 0o700 });
  // The folder contains the token and nothing that belongs in a repository.
  writeFileSync(join(folder, ".gitignore"), "*\n");
  // The config embeds the file by its name alone: Cap'n Proto takes other paths for paths of its own library.
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

/** The class names are those of wrangler.toml. The keys name the folders in the storage, so they must never change. */
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
