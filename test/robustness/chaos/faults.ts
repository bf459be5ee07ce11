import { setTimeout as sleep } from "node:timers/promises";
import type { Server } from "../../support/node/workerd.ts";
import type { FaultProxy } from "../../support/node/fault-proxy.ts";
import type { Pause } from "../history/records.ts";
import type { Client, Clients } from "./clients.ts";
import { now } from "./journal.ts";

/** On average, from one fault to the next. */
const EVERY = 250;

/** Several times the longest ttl would do nothing but wait; most are short. */
const LONGEST_PAUSE = 6_000;
const SHORTEST_PAUSE = 50;

/** Hurts a run at random moments, and counts what it did. */
export class Faults {
  readonly counts = new Map<string, number>();
  readonly pauses: Pause[] = [];
  readonly #clients: Clients;
  readonly #server: Server;
  readonly #underWay = new Set<Promise<void>>();
  #isServerHurt = false;
  /** Before the service, if anything stands there. */
  #behind: FaultProxy | undefined;

  constructor(clients: Clients, server: Server) {
    this.#clients = clients;
    this.#server = server;
  }

  /** From now on half of what is done to connections is done behind a proxy. */
  spread(behind: FaultProxy): void {
    this.#behind = behind;
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** Until `until` by the run's clock, and until everything that was hurt is well again. */
  async run(until: number): Promise<void> {
    while (now() < until) {
      await sleep(-Math.log(1 - Math.random()) * EVERY);
      const fault = this.#hurt().finally(() => this.#underWay.delete(fault));
      this.#underWay.add(fault);
    }
    await Promise.all(this.#underWay);
  }

  async #hurt(): Promise<void> {
    const client = this.#clients.any();
    const chance = Math.random();
    if (chance < 0.05) return this.#hurtServer("server killed", () => this.#killServer());
    if (chance < 0.12) return this.#hurtServer("server paused", () => this.#pauseServer());
    if (chance < 0.18) return this.#killClient(client);
    if (chance < 0.3) return this.#pauseClient(client);
    // At the worst moment.
    if (chance < 0.5) return this.#pauseClient(this.#clients.holder());
    return this.#hurtWay(this.#behind && Math.random() < 0.5 ? this.#behind : client.proxy, (chance - 0.5) / 0.5);
  }

  async #hurtWay(way: FaultProxy, chance: number): Promise<void> {
    if (chance < 0.4) return void (way.cut() > 0 && this.count("connections cut"));
    if (chance < 0.56) return way.arm("cut mid-request");
    if (chance < 0.72) return way.arm("cut mid-reply");
    if (chance < 0.88) return way.arm("late duplicate");
    this.count("connections stalled");
    return way.stall(pauseLength());
  }

  /** One thing at a time. */
  async #hurtServer(what: string, hurt: () => Promise<void>): Promise<void> {
    if (this.#isServerHurt) return;
    this.#isServerHurt = true;
    this.count(what);
    await hurt();
    this.#isServerHurt = false;
  }

  async #killServer(): Promise<void> {
    await this.#server.kill();
    await sleep(Math.random() ** 2 * 1_500);
    await this.#server.start();
  }

  async #pauseServer(): Promise<void> {
    this.#server.signal("SIGSTOP");
    await sleep(pauseLength());
    this.#server.signal("SIGCONT");
  }

  async #killClient(client: Client): Promise<void> {
    this.count("client killed");
    await this.#clients.replace(client);
  }

  async #pauseClient(client: Client): Promise<void> {
    if (client.isPaused) return;
    client.isPaused = true;
    this.count("client paused");
    const pause = { kind: "pause", client: client.name, from: now(), to: Infinity } as const;
    client.child.signal("SIGSTOP");
    await Promise.race([sleep(pauseLength()), client.child.gone]);
    client.child.signal("SIGCONT");
    this.pauses.push({ ...pause, to: now() });
    client.isPaused = false;
  }
}

/** Each order of magnitude as often as the next. */
function pauseLength(): number {
  return SHORTEST_PAUSE * (LONGEST_PAUSE / SHORTEST_PAUSE) ** Math.random();
}
