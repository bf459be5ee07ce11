import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.ts";

const STARTS_WITHIN = 20_000;

interface Kind {
  command: string;
  version: string;
  args: (config: string) => string[];
  config: (ports: { from: number; to: string }, timeout: number, folder: string) => string;
}

const KINDS = {
  haproxy: {
    command: "/usr/sbin/haproxy",
    version: "-v",
    args: (config) => ["-db", "-q", "-f", config],
    config: ({ from, to }, timeout) => `defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server ${timeout}ms
listen proxy
  bind 127.0.0.1:${from}
  server service ${to}
`,
  },
  nginx: {
    command: "/usr/sbin/nginx",
    version: "-v",
    args: (config) => ["-c", config],
    config: ({ from, to }, timeout, folder) => `daemon off;
master_process off;
pid ${folder}/pid;
error_log ${folder}/log;
events {}
http {
  access_log off;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
  server {
    listen 127.0.0.1:${from};
    location / {
      proxy_pass http://${to};
      proxy_read_timeout ${timeout}ms;
    }
  }
}
`,
  },
} satisfies Record<string, Kind>;

export type ProxyName = keyof typeof KINDS;

/** Whether a proxy is installed. It may be missing, except in CI, which installs it. */
export function isInstalled(name: ProxyName): boolean {
  const { command, version } = KINDS[name];
  const isThere = spawnSync(command, [version]).status === 0;
  if (!isThere && process.env["CI"]) throw new Error(`${command} is missing: .ci/run installs it.`);
  if (!isThere) console.error(`Skipped: ${command} is missing (Debian: apt-get install haproxy nginx-light).`);
  return isThere;
}

/** Starts one of Debian's proxies in front of the service. The proxy waits `timeout` ms for an answer. */
export async function startProxy(name: ProxyName, service: string, timeout: number) {
  const { command, args, config }: Kind = KINDS[name];
  const folder = mkdtempSync(join(tmpdir(), `durable-locks-${name}-`));
  const from = await freePort();
  const path = join(folder, "config");
  writeFileSync(path, config({ from, to: new URL(service).host }, timeout, folder));
  const child = spawn(command, args(path), { stdio: ["ignore", "ignore", "inherit"] });
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  await untilListening(child, from);
  return {
    url: `http://127.0.0.1:${from}`,
    async [Symbol.asyncDispose]() {
      const gone = once(child, "exit");
      kill();
      await gone;
      process.off("exit", kill);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilListening(child: ChildProcess, port: number): Promise<void> {
  for (let waited = 0; waited < STARTS_WITHIN; waited += 50) {
    if (child.exitCode !== null) break;
    const socket = connect(port, "127.0.0.1");
    const isUp = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "error").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isUp) return;
    await sleep(50);
  }
  throw new Error(`${child.spawnfile} does not listen.`);
}
