import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { claimFolder } from "../dev/folder-lock.ts";
import { layOutService } from "../dev/local-service.ts";
import { findWorkerd } from "../dev/workerd.ts";
import { checkPlatform, SupervisedCommand } from "../supervisor/supervised-command.ts";
import { type Command, type Input, textOf } from "../terminal/command.ts";
import { parseCount } from "../terminal/count.ts";
import { EXIT, Failure } from "../terminal/exit-codes.ts";
import { ENDING, Signals } from "../terminal/signals.ts";

export const dev: Command = {
  name: "dev",
  positionals: [],
  summary: "start a lock service on this machine",
  details: `Runs the whole service on local workerd, for development and tests. You need no account, but
\`wrangler\` or \`miniflare\` in your project: they bring workerd. The service listens only on 127.0.0.1
and stores its locks on disk, so leases outlive a restart. The first start creates the token.`,
  options: {
    port: { type: "string", value: "N", help: "the port to listen on; default 8787" },
    dir: { type: "string", value: "PATH", help: "the folder for the locks and the token; default .durable-locks" },
    jurisdiction: {
      type: "string",
      value: "NAME",
      help: "as in your deployment, such as eu; has no effect on this machine",
    },
    "location-hint": {
      type: "string",
      value: "NAME",
      help: "as in your deployment, such as weur; has no effect on this machine",
    },
    token: {
      type: "string",
      value: "TOKEN",
      help: "16 characters or more, or JSON for several; `ps` shows it, so prefer the file `token` in --dir",
    },
  },
  examples: [
    ["durable-locks dev", "then, in another terminal:"],
    ["export DURABLE_LOCKS_URL=http://127.0.0.1:8787 DURABLE_LOCKS_TOKEN=$(cat .durable-locks/token)", "where it is"],
    ["durable-locks run my-first-lock -- sleep 10", "hold a lock for 10 s"],
  ],
  run: startService,
};

const READY_WITHIN = 20_000;

/** How long workerd may take to stop, in milliseconds. */
const GRACE = 3_000;

async function startService(input: Input): Promise<number> {
  checkPlatform("dev");
  const { reporter, flags } = input;
  const port = portOf(input);
  const folder = resolve(textOf(input, "dir") ?? ".durable-locks");
  const workerd = findWorkerd([process.cwd(), import.meta.dirname]);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  using claim = await claimFolder(folder);
  await checkPort(port);
  const token = tokenOf(textOf(input, "token"), folder);
  const { command, args, listens } = layOutService(folder, port, workerd);
  const signals = new Signals();
  const service = await SupervisedCommand.start({
    command,
    args,
    env: { ...process.env, TOKENS: token, ...placementOf(input) },
    grace: GRACE,
    deadline: () => Number.POSITIVE_INFINITY,
    quiet: true,
    output: "stderr",
  });
  if (claim.record(service.pid)) service.input("go\n");
  signals.passTo({ signal: (signal) => ENDING.includes(signal) && service.stop("asked", GRACE) });
  const url = `http://127.0.0.1:${port}`;
  if (await isReady(url, service, listens)) {
    const file = join(folder, "token");
    const hint = textOf(input, "token") === undefined ? `the token is in ${file}` : "the token is the one from --token";
    if (flags["json"]) reporter.result("", { url, pid: service.pid });
    else reporter.result(url, {});
    reporter.note("ready", `ready at ${url}; ${hint}. Ctrl-C ends it.`, { url });
  }
  const { stopped, code, signal } = await service.ended;
  if (stopped === "asked") return EXIT.ok;
  // Another process may have taken the port since the first check.
  if (!listens()) await checkPort(port);
  throw new Failure(
    EXIT.internal,
    `workerd ended (${signal ?? code}). Its own messages are above. Is wrangler up to date?`,
  );
}

function portOf(input: Input): number {
  return parseCount(textOf(input, "port") ?? "8787", "--port", 65_535);
}

/** Always sets both variables, so that they never come from the environment of this process. */
function placementOf(input: Input): Record<"JURISDICTION" | "LOCATION_HINT", string> {
  return { JURISDICTION: textOf(input, "jurisdiction") ?? "", LOCATION_HINT: textOf(input, "location-hint") ?? "" };
}

async function checkPort(port: number): Promise<void> {
  const server = createServer();
  const { promise, resolve: listens, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen(port, "127.0.0.1", listens);
  try {
    await promise;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "EADDRINUSE" ? "is in use" : `can't be opened (${code})`;
    throw new Failure(EXIT.config, `Port ${port} ${why}: choose another with --port.`);
  }
  await new Promise((closed) => server.close(closed));
}

/** The given token, or the token of this folder. The first start creates that one. */
function tokenOf(given: string | undefined, folder: string): string {
  if (given !== undefined) return given;
  const file = join(folder, "token");
  try {
    writeFileSync(file, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    chmodSync(file, 0o600);
  }
  return readFileSync(file, "utf8").trim();
}

/** Whether the service answers; false if it ended instead. Until it listens, another service may answer there. */
async function isReady(url: string, service: SupervisedCommand, listens: () => boolean): Promise<boolean> {
  const ended = service.ended.then(() => "ended" as const);
  for (const since = performance.now(); performance.now() < since + READY_WITHIN;) {
    const answer = listens() ? await fetch(`${url}/openapi.json`).catch(() => undefined) : undefined;
    if (answer?.ok) return true;
    const pause = new Promise((wait) => setTimeout(wait, 50));
    if ((await Promise.race([pause, ended])) === "ended") return false;
  }
  service.stop("unsupervised", GRACE);
  return false;
}
