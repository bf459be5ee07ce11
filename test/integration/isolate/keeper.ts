import { DurableObject } from "cloudflare:workers";
import { type HeldLease, useDurableLock } from "durable-locks";

/** Keeps a lease from call to call: the calls of one object share everything, as the requests of a Worker don't. */
export class Keeper extends DurableObject {
  #held: HeldLease | undefined;

  async take(id: string): Promise<number> {
    this.#held = await useDurableLock(this.env.DURABLE_LOCK, id).hold();
    return this.#held.lease;
  }

  async renewAndRelease(): Promise<boolean> {
    await this.#held?.renew();
    return (await this.#held?.release()) === true;
  }
}
