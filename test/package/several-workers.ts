import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { commandsOf, filesOf } from "../support/page-files.ts";

const PAGE = "several-workers.md";

/** Where the commands of docs/several-workers.md are typed: in the Worker that uses the locks of another. */
export const SHOP = "several/shop";

/** The Workers of docs/several-workers.md, word for word, in a project where the package is installed. */
export async function layOutSeveralWorkers(project: string, compilerOptions: object): Promise<void> {
  const files = { ...(await filesOf(PAGE)), "shop/tsconfig.json": JSON.stringify({ compilerOptions, include: ["."] }) };
  for (const [file, text] of Object.entries(files)) {
    const path = join(project, "several", file);
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, text);
  }
}

/** The command of the page that begins so, in its words. */
export async function commandOf(beginning: string): Promise<string[]> {
  const command = (await commandsOf(PAGE)).find((line) => line.startsWith(beginning));
  if (command === undefined) throw new Error(`docs/${PAGE} has no command "${beginning}".`);
  return command.split(" ");
}

/** One local session of both, as the page starts it. */
export async function tryOutSession(project: string, port: number): Promise<void> {
  const [command = "", ...args] = await commandOf("npx wrangler dev");
  const dev = spawn(command, [...args, "--port", String(port), "--inspector-port", "0"], {
    cwd: join(project, SHOP),
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
    env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
  });
  try {
    await ready(dev.stdout);
    const texts = await Promise.all([1, 2].map(async () => (await fetch(`http://127.0.0.1:${port}/job`)).text()));
    const leases = new Set(texts.map((text) => /^did \/job under lease (\d+)\n$/.exec(text)?.[1]));
    if (leases.size !== 2 || leases.has(undefined)) throw new Error(`The shop answered: ${texts.join("")}`);
    console.log(`A Worker ran under the locks of another; it said: ${texts[0]?.trim()}`);
  } finally {
    if (dev.pid !== undefined && dev.exitCode === null) process.kill(-dev.pid, "SIGTERM");
  }
}

async function ready(output: AsyncIterable<Buffer>): Promise<void> {
  let said = "";
  for await (const data of output) if ((said += String(data)).includes("Ready on")) return;
  throw new Error(`wrangler dev ended:\n${said}`);
}
