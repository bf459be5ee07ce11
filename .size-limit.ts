// How large each entry of the package may be, as a user's bundler makes it: minified and gzipped, with all that it imports but
// what the platform has. Each limit is the size on the day when somebody last set it, and about 3 % more.
const message =
  "Find out which change made this grow. If it is worth its size, raise the limit in .size-limit.ts in the same commit.";

/** What Workers have, so that no bundle includes it. */
const WORKERS = ["cloudflare:*"];

/** Bundles as for Node: what Node has stays outside, and so do the optional peers. */
function forNode(config: object): object {
  return { ...config, format: "esm", platform: "node", external: ["wrangler", "miniflare"] };
}

export default [
  {
    name: "durable-locks: a Worker that exports DurableLock and calls useDurableLock",
    path: "dist/index.js",
    import: "{ DurableLock, useDurableLock }",
    ignore: WORKERS,
    gzip: true,
    limit: "32.1 kB",
    message,
  },
  {
    name: "durable-locks: everything",
    path: "dist/index.js",
    import: "*",
    ignore: WORKERS,
    gzip: true,
    limit: "42.1 kB",
    message,
  },
  {
    name: "durable-locks/client: connectLocks",
    path: "dist/client.js",
    import: "{ connectLocks }",
    gzip: true,
    limit: "26.5 kB",
    message,
  },
  {
    name: "durable-locks/client: everything",
    path: "dist/client.js",
    import: "*",
    gzip: true,
    limit: "29.6 kB",
    message,
  },
  {
    name: "durable-locks/fencing",
    path: "dist/fencing.js",
    import: "*",
    gzip: true,
    limit: "1.65 kB",
    message,
  },
  {
    name: "durable-locks/service: createLockService",
    path: "dist/service.js",
    import: "*",
    ignore: WORKERS,
    gzip: true,
    limit: "151 kB",
    message,
  },
  {
    name: "the command line",
    path: "dist/cli.js",
    modifyEsbuildConfig: forNode,
    gzip: true,
    limit: "49 kB",
    message,
  },
  {
    name: "the packed tarball",
    path: ".wrangler/durable-locks-*.tgz",
    disablePlugins: ["@size-limit/esbuild"],
    brotli: false,
    limit: "924 kB",
    message,
  },
];
