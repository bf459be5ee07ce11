import type { Lock } from "durable-locks";
import type { Sample } from "../work/order.ts";
import { repeat } from "../work/single.ts";

type Primitives = Lock["primitives"];
type Request = Parameters<Primitives["acquire"]>[0];
type Reply = Awaited<ReturnType<Primitives["acquire"]>>;

const HOUR = 3_600_000;
const TOGETHER = 100;
const SHARED = { exclusive: false, permits: 1, capacity: Number.MAX_SAFE_INTEGER };
const EXCLUSIVE = { exclusive: true, permits: 1, capacity: 1 };

function requestOf(claim: typeof SHARED, wait = 0): Request {
  const rest = { owner: undefined, lockDelay: 0, job: undefined, waited: 0, steal: false };
  return { requestId: crypto.randomUUID(), ttl: HOUR, ...claim, wait, ...rest };
}

function leaseOf(reply: Reply): number {
  if (!reply.success) throw new Error(`Not granted: ${reply.reason}.`);
  return reply.lease;
}

/** A lock with many holders or many waiters, and the operations of one more caller. */
export class CrowdedLock {
  readonly #primitives: Primitives;
  readonly #waiters: Promise<Reply>[] = [];
  #lease = 0;

  constructor({ primitives }: Lock) {
    this.#primitives = primitives;
  }

  async addHolders(count: number): Promise<void> {
    for (let added = 0; added < count; added += TOGETHER) {
      const size = Math.min(TOGETHER, count - added);
      const replies = await Promise.all(Array.from({ length: size }, () => this.#acquire(SHARED)));
      this.#lease = leaseOf(replies[0] as Reply);
    }
  }

  async addWaiters(count: number): Promise<void> {
    this.#lease = leaseOf(await this.#acquire(EXCLUSIVE));
    for (let added = 0; added < count; added += 1) this.#enqueue();
    while ((await this.#primitives.status()).waiters.length < count) await scheduler.wait(100);
  }

  async amongHolders(box: number): Promise<Sample> {
    const primitives = this.#primitives;
    const extra = leaseOf(await this.#acquire(SHARED));
    const sample = {
      "acquire + release": await each(box, async () => this.#release(leaseOf(await this.#acquire(SHARED)))),
      renew: await this.#renewals(box),
      convert: await each(box, (n) =>
        primitives.convert(extra, { ...SHARED, permits: 1 + (n % 2) }, crypto.randomUUID()),
      ),
      "refused acquire": await each(box, () => this.#acquire(EXCLUSIVE)),
    };
    await this.#release(extra);
    return sample;
  }

  async amongWaiters(box: number): Promise<Sample> {
    return {
      "hand-off + enqueue": await each(box, () => this.#handOff()),
      "enqueue + cancel": await each(box, () => this.#joinAndLeave()),
      renew: await this.#renewals(box),
      "refused acquire": await each(box, () => this.#acquire(EXCLUSIVE)),
    };
  }

  #renewals(box: number): Promise<number> {
    return each(box, () => this.#primitives.renew(this.#lease, HOUR, crypto.randomUUID()));
  }

  #acquire(claim: typeof SHARED): Promise<Reply> {
    return this.#primitives.acquire(requestOf(claim));
  }

  #release(lease: number): Promise<unknown> {
    return this.#primitives.release(lease, crypto.randomUUID());
  }

  #enqueue(): void {
    this.#waiters.push(this.#primitives.acquire(requestOf(EXCLUSIVE, HOUR)));
  }

  /** The first waiter gets the lock, and a new one joins, so that there are always as many. */
  async #handOff(): Promise<void> {
    await this.#release(this.#lease);
    this.#lease = leaseOf((await this.#waiters.shift()) as Reply);
    this.#enqueue();
  }

  async #joinAndLeave(): Promise<void> {
    const request = requestOf(EXCLUSIVE, HOUR);
    const waits = this.#primitives.acquire(request);
    await this.#primitives.cancel(request.requestId);
    // The cancellation may overtake the request: then nobody would end the wait.
    await Promise.race([waits, scheduler.wait(1_000)]);
  }
}

async function each(box: number, operation: (n: number) => Promise<unknown>): Promise<number> {
  const { ms = Number.NaN } = await repeat(box, operation);
  return ms;
}
