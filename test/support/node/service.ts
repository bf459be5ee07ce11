import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Children } from "./children.ts";
import { freePort } from "./free-port.ts";
import { Server } from "./workerd.ts";

/** A token that may do everything. */
export const TOKEN = "the-token-of-the-tests";

/** A token that may look at and take locks whose ids begin with `mine/`. */
export const NARROW = "a-token-for-only-a-few";

const TOKENS = JSON.stringify([
  { name: "all", token: TOKEN, actions: ["read", "lock", "admin"] },
  { name: "few", token: NARROW, prefixes: ["mine/"] },
]);

const worker = join(import.meta.dirname, "../../../dist/worker.js");

/** The service on local workerd, with its locks on disk. It keeps its port when it is started again. */
export interface Service extends AsyncDisposable {
  url: string;
  server: Server;
}

export async function startService(tokens = TOKENS, inspector?: number): Promise<Service> {
  if (!existsSync(worker)) throw new Error("dist/worker.js is missing: run `npm run build` first.");
  const folder = mkdtempSync(join(tmpdir(), "durable-locks-remote-"));
  const children = new Children(folder);
  const port = await freePort();
  const server = await Server.create(folder, children, { worker, tokens, port, inspector });
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    async [Symbol.asyncDispose]() {
      await children[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
