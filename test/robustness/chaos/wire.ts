import { once } from "node:events";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";

/** What can be done to what goes through. */
export type Mischief = "cut mid-request" | "cut mid-reply" | "late duplicate";

/** Between a client and the server: passes bytes on, and cuts, holds up and repeats them as it is told. */
export class Wire implements Disposable {
  readonly #portOf: () => number;
  readonly #done: (what: Mischief) => void;
  readonly #server = createServer((near) => this.#pass(near));
  readonly #sockets = new Set<Socket>();
  readonly #armed: Mischief[] = [];

  private constructor(portOf: () => number, done: (what: Mischief) => void) {
    this.#portOf = portOf;
    this.#done = done;
  }

  /** `portOf` is asked for each connection, for a server that was restarted is elsewhere; `done` tells of each mischief. */
  static async listen(portOf: () => number, done: (what: Mischief) => void): Promise<Wire> {
    const wire = new Wire(portOf, done);
    wire.#server.listen(0, "127.0.0.1");
    await once(wire.#server, "listening");
    return wire;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Does it to the next bytes that it fits. */
  arm(what: Mischief): void {
    this.#armed.push(what);
  }

  /** Cuts every connection; how many there were. */
  cut(): number {
    const count = this.#sockets.size;
    for (const socket of this.#sockets) socket.destroy();
    return count;
  }

  /** Lets nothing through the present connections for a while. */
  async stall(ms: number): Promise<void> {
    const stalled = [...this.#sockets];
    for (const socket of stalled) socket.pause();
    await new Promise((resolve) => setTimeout(resolve, ms));
    for (const socket of stalled) socket.resume();
  }

  disarm(): void {
    this.#armed.length = 0;
  }

  [Symbol.dispose](): void {
    this.#server.close();
    this.cut();
  }

  #pass(near: Socket): void {
    const far = connect(this.#portOf(), "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.setNoDelay(true);
      one.on("error", () => {});
      one.on("end", () => other.end());
      one.on("close", () => (this.#sockets.delete(one), other.destroy()));
    }
    // One request at a time goes through a connection, in as many chunks as it likes.
    let request = Buffer.alloc(0);
    near.on("data", (chunk: Buffer) => {
      request = Buffer.concat([request, chunk]);
      if (this.#takes("late duplicate", isWhole(request))) this.#repeat(request);
      if (this.#takes("cut mid-request")) passHalf(chunk, far, near);
      else far.write(chunk);
    });
    far.on("data", (chunk: Buffer) => {
      request = Buffer.alloc(0);
      if (this.#takes("cut mid-reply")) passHalf(chunk, near, far);
      else near.write(chunk);
    });
  }

  #takes(what: Mischief, fits = true): boolean {
    const place = fits ? this.#armed.indexOf(what) : -1;
    if (place < 0) return false;
    this.#armed.splice(place, 1);
    this.#done(what);
    return true;
  }

  /** As a network or a retrying proxy may: the request arrives again, when its caller has long gone on. */
  #repeat(request: Buffer): void {
    const delay = 20 + Math.random() ** 2 * 3_000;
    setTimeout(() => {
      const again = connect(this.#portOf(), "127.0.0.1");
      this.#sockets.add(again);
      again.on("error", () => {}).on("close", () => this.#sockets.delete(again));
      again.on("data", () => again.destroy());
      again.write(request);
    }, delay).unref();
  }
}

function passHalf(chunk: Buffer, to: Socket, from: Socket): void {
  to.write(chunk.subarray(0, chunk.length >> 1), () => {
    to.destroy();
    from.destroy();
  });
}

function isWhole(request: Buffer): boolean {
  const [head = "", body] = request.toString("latin1").split("\r\n\r\n", 2);
  const [, length] = /content-length: (\d+)/i.exec(head) ?? [];
  return body !== undefined && body.length === Number(length);
}
