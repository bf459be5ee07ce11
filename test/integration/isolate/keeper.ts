import { DurableObject } from "cloudflare:workers";
import { type HeldLease, useDurableLock } from "durable-locks";

/** Holds a lease from call to call: the calls of one object share everything, unlike the requests of a Worker. */
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
