import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import type { Order, Sample } from "../work/order.ts";

/** A Worker to run: its bundled code, and its objects as binding and class. */
export interface Worker {
  name: string;
  script: string;
  objects: Record<string, string>;
  bindings?: Record<string, string>;
}

const COMPATIBILITY_DATE = "2026-08-15";

/** Shows what workerd reports, except for connections that a contestant has cut: a crowd that is stopped cuts many. */
function forward(_output: Readable, errors: Readable): void {
  createInterface({ input: errors }).on("line", (line) => {
    if (!/disconnected|Broken pipe|^stack:/.test(line)) console.error(line);
  });
}

/** Workers in one workerd, with their objects in a folder. */
export class Workerd implements AsyncDisposable {
  readonly #miniflare: Miniflare;

  private constructor(miniflare: Miniflare) {
    this.#miniflare = miniflare;
  }

  static async start(folder: string, workers: readonly Worker[]): Promise<Workerd> {
    // Nothing leaves this machine.
    process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
    const options = convertV4MiniflareOptions({
      resourcePersistencePath: folder,
      handleRuntimeStdio: forward,
      workers: workers.map(({ name, script, objects, bindings = {} }) => ({
        name,
        modules: true,
        script,
        compatibilityDate: COMPATIBILITY_DATE,
        bindings,
        // Without this, requests from outside would pass through a Worker of Miniflare first.
        unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
        durableObjects: Object.fromEntries(
          Object.entries(objects).map(([binding, className]) => [binding, { className, useSQLite: true }]),
        ),
      })),
    });
    const miniflare = new Miniflare(options);
    await miniflare.ready;
    return new Workerd(miniflare);
  }

  /** The URL at which a Worker answers. */
  async url(worker: string): Promise<string> {
    return (await this.#miniflare.unsafeGetDirectURL(worker)).origin;
  }

  /** Sends an order to a Worker, and returns what it has measured. */
  perform(worker: string, order: Order): Promise<Sample> {
    return this.ask(worker, order);
  }

  /** Sends anything to a Worker, and returns its answer. */
  async ask<T>(worker: string, body: object): Promise<T> {
    const { fetch } = await this.#miniflare.getWorker(worker);
    const response = await fetch("http://bench/", { method: "POST", body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${worker} failed: ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Removes an object from memory, so that its next call starts it again. */
  evict(worker: string, className: string, name: string): Promise<void> {
    return this.#miniflare.unsafeEvictDurableObject(worker, className, { name });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#miniflare.dispose();
  }
}
