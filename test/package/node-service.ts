import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fenceHeaders } from "../../src/fencing.ts";
import { freePort } from "../support/node/free-port.ts";

/** The service of docs/fencing.md, word for word, in a project where the package is installed. */
export async function layOutService(project: string, root: string): Promise<void> {
  const page = await readFile(join(root, "docs/fencing.md"), "utf8");
  const service = page.match(/```ts\n(import \{ createServer \}.*?)```/s)?.[1];
  if (service === undefined) throw new Error("docs/fencing.md has no service for Node.");
  await writeFile(join(project, "service.ts"), service);
}

/** Runs it on plain Node: a lease passes, a newer one passes, the older one no longer does, and none is refused. */
export async function tryOutService(project: string): Promise<void> {
  const port = await freePort();
  const env = { ...process.env, PORT: `${port}` };
  const service = spawn(process.execPath, ["service.ts"], { cwd: project, stdio: "inherit", env });
  const put = async (headers: Record<string, string>) =>
    (await fetch(`http://127.0.0.1:${port}/price`, { method: "PUT", body: "5", headers })).status;
  try {
    const statuses = [
      await whenUp(
        () => put(fenceHeaders("a, b", 5)),
        () => service.exitCode,
      ),
    ];
    for (const lease of [6, 5]) statuses.push(await put(fenceHeaders("a, b", lease)));
    statuses.push(await put({ "Fencing-Token": "7, 8", "Fencing-Resource": "b" }), await put({}));
    if (statuses.join() !== "204,204,412,400,400") throw new Error(`The service answered ${statuses.join()}.`);
    console.log("A service on plain Node let two leases pass and refused the older one.");
  } finally {
    service.kill();
  }
}

async function whenUp<T>(ask: () => Promise<T>, exitCode: () => number | null): Promise<T> {
  for (const giveUp = Date.now() + 30_000; ;) {
    try {
      return await ask();
    } catch (error) {
      if (exitCode() !== null || Date.now() > giveUp) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
