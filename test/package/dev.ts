import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

/**
 * What the README says of the service, word for word: `dev` in a folder where the package is installed, then the examples in
 * another shell.
 */
export async function tryOutDev(project: string, readme: string): Promise<void> {
  const [install = "", http = "", cli = ""] = blocksOf(readme);
  const start = install.trim().split("\n").at(-1) ?? "";
  const dev = spawn("bash", ["-c", `exec ${start}`], {
    cwd: project,
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  try {
    const [ready] = (await Promise.race([once(dev.stdout, "data"), once(dev, "exit")])) as [unknown];
    if (!String(ready).startsWith("http://127.0.0.1:8787")) throw new Error(`${start} said: ${String(ready)}`);
    const said = shell(project, http);
    const leases = [...said.matchAll(/"lease":(\d+)/g)].map(([, lease]) => lease);
    if (
      new Set(leases).size !== 1 ||
      leases.length !== 3 ||
      !said.includes('"owner":"me"') ||
      !said.endsWith('{"released":true}')
    )
      throw new Error(`The examples over HTTP said: ${said}`);
    const ran = shell(project, cli);
    for (const part of [/working under lease \d+\n/, "this runs once\n", /free/i])
      if (!(typeof part === "string" ? ran.includes(part) : part.test(ran)))
        throw new Error(`The command line said: ${ran}`);
    console.log(`The README's service, curl and command line worked; the last said: ${ran.trim().split("\n").at(-1)}`);
  } finally {
    if (dev.pid !== undefined && dev.exitCode === null) process.kill(-dev.pid, "SIGTERM");
  }
}

/** Those of the section on life without Workers. */
function blocksOf(readme: string): string[] {
  const [, section = ""] = /## Without Workers\n(.*?)\n## /s.exec(readme) ?? [];
  return [...section.matchAll(/```sh\n(.*?)```/gs)].map(([, block = ""]) => block);
}

function shell(cwd: string, commands: string): string {
  return execFileSync("bash", ["-c", commands], { cwd, encoding: "utf8" });
}
