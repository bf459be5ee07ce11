import { once } from "node:events";

/** Asks workerd, through its inspector, how much memory its JavaScript has in use once all garbage is collected. */
export class Heap {
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, (result: unknown) => void>();
  #calls = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
      if (id !== undefined) this.#answers.get(id)?.(result);
    });
  }

  static async of(inspector: number): Promise<Heap> {
    const socket = new WebSocket(`ws://127.0.0.1:${inspector}/main`);
    await once(socket, "open");
    const heap = new Heap(socket);
    await heap.#call("HeapProfiler.enable");
    return heap;
  }

  /** In MB. */
  async used(): Promise<number> {
    await this.#call("HeapProfiler.collectGarbage");
    const { usedSize } = (await this.#call("Runtime.getHeapUsage")) as { usedSize: number };
    return usedSize / 1_048_576;
  }

  async #call(method: string): Promise<unknown> {
    const id = (this.#calls += 1);
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#answers.set(id, resolve);
    this.#socket.send(JSON.stringify({ id, method }));
    return promise.finally(() => this.#answers.delete(id));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
