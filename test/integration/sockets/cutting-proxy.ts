import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";

/** How a proxy ends a request that it has waited for long enough. */
export type Cut = "504" | "close";

const GATEWAY_TIMEOUT = "HTTP/1.1 504 Gateway Time-out\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n";

interface CutOptions {
  /** How long the service may take for an answer, in milliseconds. */
  after: number;
  how: Cut;
  /** Whether requests reach the service at all. @default true */
  reaches?: boolean;
  /** Whether it cuts a stream too that is silent for so long. @default false */
  streams?: boolean;
}

/** Stands between a client and the service, as a proxy with a timeout does. */
export class CuttingProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #options: CutOptions;
  readonly #open = new Set<Socket>();
  /** How many requests were cut. */
  cuts = 0;

  private constructor(to: number, options: CutOptions) {
    this.#options = options;
    this.#server = createServer((client) => this.#pass(client, connect(to, "127.0.0.1")));
  }

  static async to(service: string, options: CutOptions): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(Number(new URL(service).port), options);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #pass(client: Socket, service: Socket): void {
    const { after, how, reaches = true, streams = false } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const cut = () => {
      this.cuts += 1;
      service.destroy();
      if (how === "504") client.end(GATEWAY_TIMEOUT);
      else client.destroy();
    };
    for (const socket of [client, service]) {
      this.#open.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        clearTimeout(timer);
        this.#open.delete(socket);
        client.end();
        service.destroy();
      });
    }
    client.on("data", (bytes) => {
      clearTimeout(timer);
      timer = setTimeout(cut, after);
      if (reaches) service.write(bytes);
    });
    service.on("data", (bytes) => {
      clearTimeout(timer);
      if (streams) timer = setTimeout(cut, after);
      client.write(bytes);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
