/** A Worker that runs on this machine until it is disposed of. */
export interface LocalWorker extends AsyncDisposable {
  url: URL;
}

/** Runs the Worker of `wrangler.jsonc` on local workerd; its SQLite files are in a temporary directory. */
export async function startLocalWorker(): Promise<LocalWorker> {
  // Nothing leaves this machine: neither usage data, nor the look-up of where it stands.
  process.env["WRANGLER_SEND_METRICS"] = "false";
  process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
  // Takes a second to load: not before the first line is out.
  const { createTestHarness } = await import("wrangler");
  const server = createTestHarness({
    workers: [{ configPath: new URL("wrangler.jsonc", import.meta.url) }],
  });
  const { url } = await server.listen();
  return { url, [Symbol.asyncDispose]: () => server.close() };
}
