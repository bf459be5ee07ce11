import type { Contestant, Held } from "../contestants/contestant.ts";
import type { Order, Sample } from "./order.ts";
import { spread } from "./waits.ts";

/** Many callers of one lock, for a limited time. */
class Crowd {
  readonly waits: number[] = [];
  sections = 0;
  /** When the last section ended. */
  last = performance.now();
  readonly #stop = new AbortController();
  readonly #contestant: Contestant;
  readonly #id: string;
  #end = Number.POSITIVE_INFINITY;

  constructor(contestant: Contestant, id: string) {
    this.#contestant = contestant;
    this.#id = id;
  }

  /** Lets all callers in at once, and stops those that still wait after `box` ms. */
  async run(callers: number, box: number, isReturning: boolean): Promise<void> {
    const timer = setTimeout(() => this.#stop.abort(), box);
    this.#end = performance.now() + box;
    await Promise.all(Array.from({ length: callers }, () => this.#caller(isReturning)));
    clearTimeout(timer);
  }

  async #caller(isReturning: boolean): Promise<void> {
    await this.#section();
    if (isReturning) while (!this.#stop.signal.aborted) await this.#section();
  }

  async #section(): Promise<void> {
    const since = performance.now();
    const held = await this.#wait();
    // The wait of a caller that was stopped counts too: it would have been longer still.
    this.waits.push(performance.now() - since);
    if (!held) return;
    await held.release();
    // While local workerd is busy with its own calls, its timers don't fire.
    if (performance.now() >= this.#end) this.#stop.abort();
    if (this.#stop.signal.aborted) return;
    this.sections += 1;
    this.last = performance.now();
  }

  async #wait(): Promise<Held | undefined> {
    try {
      return await this.#contestant.wait(this.#id, this.#stop.signal);
    } catch (error) {
      if (this.#stop.signal.aborted) return undefined;
      throw error;
    }
  }
}

/** Callers that come at the same time, once each or again and again. */
export async function crowd(contestant: Contestant, order: Order): Promise<Sample> {
  const { id, callers, box, work } = order;
  const isReturning = work === "returning";
  // The first use of an id creates its storage, which is measured as "ids".
  await (await contestant.tryOnce(id))?.release();
  const before = await contestant.requests();
  const since = performance.now();
  const all = new Crowd(contestant, id);
  await all.run(callers, box, isReturning);
  const { waits, sections } = all;
  const elapsed = sections === callers && !isReturning ? all.last - since : box;
  const requests = await contestant.requests();
  return {
    perSecond: (sections / elapsed) * 1_000,
    ...spread(waits),
    // If all were served in turn, each would wait for one section of every caller. Until all could have had two turns,
    // the time limit decides how long the worst wait is, and not the queue.
    fairness:
      sections < 2 * callers
        ? Number.NaN
        : (waits.reduce((worst, wait) => Math.max(worst, wait), 0) * sections) / (elapsed * callers),
    unserved: isReturning ? 0 : callers - sections,
    ...(requests !== undefined && before !== undefined && { requests: (requests - before) / sections }),
  };
}
