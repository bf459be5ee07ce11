import { join } from "node:path";
import { createTestHarness } from "wrangler";

/** A Worker in workerd, with the lock service beside it: all of its requests run in one isolate. */
export class Isolate implements AsyncDisposable {
  readonly #server = createTestHarness({
    workers: ["wrangler.toml", "service.toml"].map((name) => ({ configPath: join(import.meta.dirname, name) })),
  });

  static async start(): Promise<Isolate> {
    // Nothing leaves this machine.
    process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
    const isolate = new Isolate();
    await isolate.#server.listen();
    return isolate;
  }

  /** Sends a request and returns its answer. */
  async ask<T>(path: string, body?: unknown): Promise<T> {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await this.#server.fetch(`http://localhost${path}`, init);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`The Worker answered ${response.status}: ${text}`);
    return JSON.parse(text) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
  }
}
