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

/** Workers in one workerd, with their objects in a folder. */
export class Workerd implements AsyncDisposable {
  readonly #miniflare: Miniflare;

  private constructor(miniflare: Miniflare) {
    this.#miniflare = miniflare;
  }

  static async start(folder: string, workers: readonly Worker[], inspectorPort?: number): Promise<Workerd> {
    // Nothing leaves this machine.
    process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
    const options = convertV4MiniflareOptions({
      resourcePersistencePath: folder,
      ...(inspectorPort !== undefined && { inspectorPort }),
      workers: workers.map(({ name, script, objects, bindings = {} }) => ({
        name,
        modules: true,
        script,
        compatibilityDate: COMPATIBILITY_DATE,
        bindings,
        durableObjects: Object.fromEntries(
          Object.entries(objects).map(([binding, className]) => [binding, { className, useSQLite: true }]),
        ),
      })),
    });
    const miniflare = new Miniflare(options);
    await miniflare.ready;
    return new Workerd(miniflare);
  }

  /** The URL of the first Worker. */
  async url(): Promise<string> {
    return (await this.#miniflare.ready).origin;
  }

  /** Sends an order to a Worker, and returns what it has measured. */
  async perform(worker: string, order: Order): Promise<Sample> {
    const { fetch } = await this.#miniflare.getWorker(worker);
    const response = await fetch("http://bench/", { method: "POST", body: JSON.stringify(order) });
    if (!response.ok) throw new Error(`${worker} failed at ${order.work}: ${await response.text()}`);
    return (await response.json()) as Sample;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#miniflare.dispose();
  }
}
