import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Child, Children } from "../../support/node/children.ts";
import { type Fault, FaultProxy } from "../../support/node/fault-proxy.ts";
import type { Message } from "./client.ts";

/** One client process and its way to the service. */
export interface Client {
  name: string;
  child: Child;
  proxy: FaultProxy;
  isPaused: boolean;
  /** Its critical sections that are under way, as far as it has reported them. */
  inside: number;
}

interface Surroundings {
  folder: string;
  children: Children;
  /** Where the next connection goes. */
  portOf: () => number;
  token: string;
  onFault: (fault: Fault) => void;
}

const ENDS_WITHIN = 40_000;

/** The client processes, as many as at first however many are killed. */
export class Clients implements Disposable {
  /** The outcomes of the operations. */
  readonly outcomes = new Map<string, number>();
  /** The clients that ended on their own: with an error, which they print. */
  readonly failed: string[] = [];
  readonly #around: Surroundings;
  #clients: Client[] = [];
  #started = 0;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  async start(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) this.#clients.push(await this.#startOne());
  }

  /** Cuts all connections, so that the next ones go where they go from now on. */
  reconnect(): void {
    for (const { proxy } of this.#clients) proxy.cut();
  }

  any(): Client {
    return this.#clients[Math.floor(Math.random() * this.#clients.length)] as Client;
  }

  /** A client that is in a critical section, if there is one. */
  holder(): Client {
    return this.#clients.toSorted(() => Math.random() - 0.5).find(({ inside }) => inside > 0) ?? this.any();
  }

  /** Kills a client, and starts another in its place. */
  async replace(client: Client): Promise<void> {
    const place = this.#clients.indexOf(client);
    if (place < 0) return;
    this.#clients[place] = await this.#startOne();
    this.#end(client);
  }

  /** Lets all clients finish, and returns those that did not. */
  async finish(): Promise<string[]> {
    for (const { child, proxy } of this.#clients) {
      proxy.disarm();
      if (child.process.connected) child.process.send("finish");
    }
    const stuck = this.#clients.map(async (client) => {
      const isGone = client.child.gone.then(() => true);
      const ended = await Promise.race([isGone, sleep(ENDS_WITHIN, false, { ref: false })]);
      return ended ? [] : [client.name];
    });
    return (await Promise.all(stuck)).flat();
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients) this.#end(client);
  }

  async #startOne(): Promise<Client> {
    const { folder, children, portOf, token, onFault } = this.#around;
    const name = `client-${(this.#started += 1)}`;
    const proxy = await FaultProxy.to(portOf, { onFault });
    const args = [join(import.meta.dirname, "client.ts"), name, proxy.url, token, folder];
    const child = children.start(process.execPath, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const client: Client = { name, child, proxy, isPaused: false, inside: 0 };
    child.process.on("message", (message: Message) => {
      if (typeof message === "number") client.inside += message;
      else this.outcomes.set(message, (this.outcomes.get(message) ?? 0) + 1);
    });
    child.process.on("exit", (code) => code && this.failed.push(name));
    return client;
  }

  #end({ child, proxy }: Client): void {
    void child.kill();
    void proxy[Symbol.asyncDispose]();
  }
}
