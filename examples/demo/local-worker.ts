/** A Worker that runs on this machine until you dispose of it. */
export interface LocalWorker extends AsyncDisposable {
  url: URL;
}

/** Runs the Worker of `wrangler.jsonc` on local workerd, with its SQLite files in a temporary directory. */
export async function startLocalWorker(): Promise<LocalWorker> {
  // Send nothing from this machine: no usage data, and no request for its location.
  process.env["WRANGLER_SEND_METRICS"] = "false";
  process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
  // Loading wrangler takes a second, so print the first line before it.
  const { createTestHarness } = await import("wrangler");
  const server = createTestHarness({
    workers: [{ configPath: new URL("wrangler.jsonc", import.meta.url) }],
  });
  const { url } = await server.listen();
  return { url, [Symbol.asyncDispose]: () => server.close() };
}
