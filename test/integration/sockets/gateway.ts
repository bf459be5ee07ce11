import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";

/** Stands between a client and the service, as a network does; it can cut connections in the middle of an answer. */
export class Gateway implements AsyncDisposable {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #cuts = 0;
  /** How many answers were cut. */
  cut = 0;
  /** How many connections there were. */
  connections = 0;

  private constructor(to: number) {
    this.#server = createServer((client) => this.#pass(client, connect(to, "127.0.0.1")));
  }

  static async to(service: string): Promise<Gateway> {
    const gateway = new Gateway(Number(new URL(service).port));
    gateway.#server.listen(0, "127.0.0.1");
    await once(gateway.#server, "listening");
    return gateway;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next answers end after their first bytes: the service did its work, and nobody is told. */
  cutNext(answers: number): void {
    this.#cuts = answers;
  }

  #pass(client: Socket, service: Socket): void {
    this.connections += 1;
    for (const socket of [client, service]) {
      this.#open.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        this.#open.delete(socket);
        client.destroy();
        service.destroy();
      });
    }
    client.pipe(service);
    service.on("data", (bytes) => {
      if (this.#cuts === 0) client.write(bytes);
      else this.#cut(client, bytes);
    });
  }

  #cut(client: Socket, bytes: Buffer): void {
    this.#cuts -= 1;
    this.cut += 1;
    client.write(bytes.subarray(0, bytes.length - 10), () => client.destroy());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
