import { gzipSync } from "node:zlib";
import { bundle } from "../harness/bundle.ts";
import type { Figure } from "../harness/figure.ts";
import type { Lab } from "../harness/lab.ts";
import { CURRENT, ROOT, type Source } from "../harness/source.ts";
import type { Section } from "./section.ts";

interface Bundle {
  name: string;
  source: Source;
  contents: string;
  platform?: "node";
  external?: string[];
}

const PEERS: [name: string, contents: string, external: string[]][] = [
  [
    "redlock-universal, without ioredis",
    'export { createLock, IoredisAdapter } from "redlock-universal";',
    ["ioredis"],
  ],
  ["redis-semaphore, without ioredis", 'export { Mutex } from "redis-semaphore";', ["ioredis"]],
  [
    "redlock-universal with ioredis",
    'export { createLock, IoredisAdapter } from "redlock-universal"; export { Redis } from "ioredis";',
    [],
  ],
  ["redis-semaphore with ioredis", 'export { Mutex } from "redis-semaphore"; export { Redis } from "ioredis";', []],
  ["async-mutex", 'export { Mutex } from "async-mutex";', []],
];

function bundlesOf(lab: Lab): Bundle[] {
  const ours = lab.sources.flatMap((source): Bundle[] => [
    {
      name: `${source.library}: a Worker with DurableLock and useDurableLock`,
      source,
      contents: 'export { DurableLock, useDurableLock } from "durable-locks";',
    },
    {
      name: `${source.library}: a page or a process with connectLocks`,
      source,
      contents: 'export { connectLocks } from "durable-locks/client";',
    },
  ]);
  const peers = PEERS.map(([name, contents, external]): Bundle => ({
    name,
    source: CURRENT,
    contents,
    external,
    platform: "node",
  }));
  return [...ours, ...peers];
}

async function sizeOf({ source, contents, platform, external = [] }: Bundle): Promise<number> {
  const text = await bundle(source, {
    stdin: { contents, resolveDir: `${ROOT}/bench` },
    minify: true,
    external: ["cloudflare:*", "node:*", "@valkey/valkey-glide", "redis", ...external],
    ...(platform && { platform }),
  });
  return gzipSync(text, { level: 9 }).length / 1_000;
}

export const bundles: Section = {
  name: "bundles",
  about: "What a user's bundle grows by: minified and gzipped, with all that it imports",
  async measure(lab) {
    const figures: Figure[] = [];
    for (const one of bundlesOf(lab))
      figures.push({
        section: "bundles",
        work: "size of a bundle",
        contestant: one.name,
        storage: "none",
        metric: "kB gzipped",
        better: "less",
        values: [await sizeOf(one)],
      });
    return figures;
  },
};
