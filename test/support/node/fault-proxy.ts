import { once } from "node:events";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";

/** What the proxy can do, once, to the next bytes that fit. */
export type Fault = "cut mid-request" | "cut mid-reply" | "late duplicate";

/** How a proxy ends a request after its timeout. */
export type Cut = "504" | "close";

/** The timeout of a proxy. */
export interface ProxyTimeout {
  /** How long the service may take to answer, in milliseconds. */
  after: number;
  how: Cut;
  /** Whether requests reach the service at all. @default true */
  reaches?: boolean;
  /** Whether it also cuts a stream that is silent for that long. @default false */
  streams?: boolean;
}

interface FaultProxyOptions {
  timeout?: ProxyTimeout;
  /** Called after each fault. */
  onFault?: (fault: Fault) => void;
}

const GATEWAY_TIMEOUT = "HTTP/1.1 504 Gateway Time-out\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n";

/** Stands between a client and a service. Passes bytes on, and cuts, delays and repeats them on demand. */
export class FaultProxy implements AsyncDisposable {
  readonly #portOf: () => number;
  readonly #options: FaultProxyOptions;
  readonly #server = createServer((near) => this.#pass(near));
  readonly #sockets = new Set<Socket>();
  readonly #armed: Fault[] = [];
  /** How many requests and answers were cut. */
  cuts = 0;
  /** How many connections there were. */
  connections = 0;

  private constructor(portOf: () => number, options: FaultProxyOptions) {
    this.#portOf = portOf;
    this.#options = options;
  }

  /** A proxy to a port of this machine. A function is called for each connection: a restart may change the port. */
  static async to(service: string | (() => number), options: FaultProxyOptions = {}): Promise<FaultProxy> {
    const port = typeof service === "string" ? Number(new URL(service).port) : 0;
    const proxy = new FaultProxy(typeof service === "string" ? () => port : service, options);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Applies the fault to the next bytes that fit, `times` times. */
  arm(fault: Fault, times = 1): void {
    for (let left = times; left > 0; left -= 1) this.#armed.push(fault);
  }

  disarm(): void {
    this.#armed.length = 0;
  }

  /** Cuts every connection and returns how many there were. */
  cut(): number {
    const count = this.#sockets.size;
    for (const socket of this.#sockets) socket.destroy();
    return count;
  }

  /** Lets nothing through the current connections for a while. */
  async stall(ms: number): Promise<void> {
    const stalled = [...this.#sockets];
    for (const socket of stalled) socket.pause();
    await new Promise((resolve) => setTimeout(resolve, ms));
    for (const socket of stalled) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #pass(near: Socket): void {
    this.connections += 1;
    const far = connect(this.#portOf(), "127.0.0.1");
    const { reaches = true, streams = false } = this.#options.timeout ?? {};
    const timer = this.#timerOf(near, far);
    this.#join(near, far, timer.stop);
    // One request at a time goes through a connection, in as many chunks as it likes.
    let request = Buffer.alloc(0);
    near.on("data", (chunk: Buffer) => {
      timer.start();
      request = Buffer.concat([request, chunk]);
      if (this.#takes("late duplicate", isWhole(request))) this.#repeat(request);
      if (this.#takes("cut mid-request")) this.#passHalf(chunk, far, near);
      else if (reaches) far.write(chunk);
    });
    far.on("data", (chunk: Buffer) => {
      request = Buffer.alloc(0);
      if (streams) timer.start();
      else timer.stop();
      if (this.#takes("cut mid-reply")) this.#passHalf(chunk, near, far);
      else near.write(chunk);
    });
  }

  /** Ends each connection when the other ends. What was written to the client before that still arrives. */
  #join(near: Socket, far: Socket, onEnd: () => void): void {
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.setNoDelay(true);
      one.on("error", () => {});
      one.on("end", () => other.end());
      one.on("close", () => {
        onEnd();
        this.#sockets.delete(one);
        near.end();
        far.destroy();
      });
    }
  }

  #timerOf(near: Socket, far: Socket): { start: () => void; stop: () => void } {
    const { after, how } = this.#options.timeout ?? { after: Number.POSITIVE_INFINITY, how: "close" };
    let timer: NodeJS.Timeout | undefined;
    const stop = () => clearTimeout(timer);
    const cut = () => {
      this.cuts += 1;
      if (how === "504") near.end(GATEWAY_TIMEOUT);
      else near.destroy();
      far.destroy();
    };
    const start = () => {
      stop();
      if (Number.isFinite(after)) timer = setTimeout(cut, after);
    };
    return { start, stop };
  }

  #takes(fault: Fault, fits = true): boolean {
    const index = fits ? this.#armed.indexOf(fault) : -1;
    if (index < 0) return false;
    this.#armed.splice(index, 1);
    this.#options.onFault?.(fault);
    return true;
  }

  #passHalf(chunk: Buffer, to: Socket, from: Socket): void {
    this.cuts += 1;
    to.write(chunk.subarray(0, chunk.length >> 1), () => {
      to.destroy();
      from.destroy();
    });
  }

  /** Sends the request again, long after its caller has moved on, as a network or a retrying proxy may do. */
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

function isWhole(request: Buffer): boolean {
  const [head = "", body] = request.toString("latin1").split("\r\n\r\n", 2);
  const [, length] = /content-length: (\d+)/i.exec(head) ?? [];
  return body !== undefined && body.length === Number(length);
}
