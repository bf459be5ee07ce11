import { useDurableLock, useReadWriteLock, useSemaphore } from "../../../src/connect/use-locks.ts";
import { isLockError, LeaseLostError } from "../../../src/errors.ts";
import type { HeldLease } from "../../../src/hold/held-lease.ts";
import { type Leadership, lead } from "../../../src/toolkit/lead.ts";
import type { Lock } from "../../../src/toolkit/lock.ts";
import { withLocks } from "../../../src/toolkit/many-locks.ts";
import { once } from "../../../src/toolkit/once.ts";
import type { Judge, Section } from "./judge.ts";
import type { Line } from "./network.ts";
import type { Participant } from "./participant.ts";
import type { PlannedJob } from "./plan.ts";
import type { Site } from "./site.ts";

/** What a job runs in. */
export interface Surroundings {
  caller: Participant;
  line: Line;
  sites: Site[];
  judge: Judge;
}

class Mine extends Error {
  override name = "Mine";
}

/** One job of a caller, from the first request to the last reply. */
export class JobRun {
  readonly #job: PlannedJob;
  readonly #name: string;
  readonly #in: Surroundings;
  readonly #abort = new AbortController();

  constructor(job: PlannedJob, name: string, surroundings: Surroundings) {
    this.#job = job;
    this.#name = name;
    this.#in = surroundings;
  }

  /** Settles when the job has; it may fail in all the ways that are documented and in no other. */
  async run(): Promise<void> {
    const { abortAfter } = this.#job;
    const timer =
      abortAfter === undefined ? undefined : setTimeout(() => this.#abort.abort(new Mine("aborted")), abortAfter);
    try {
      await this.#play();
    } catch (error) {
      if (!isLockError(error) && !(error instanceof Mine)) this.#accuse("G9", `rejected with ${String(error)}`);
      if (isLockError(error, "INVALID_ARGUMENT")) this.#accuse("G9", error.message);
    } finally {
      clearTimeout(timer);
    }
  }

  #play(): Promise<unknown> {
    const { kind, permits } = this.#job;
    const { namespace } = this.#in.line as unknown as { namespace: Parameters<typeof useDurableLock>[0] };
    const id = this.#site.id;
    const lock = useDurableLock(namespace, id);
    if (kind === "withLock") return this.#under(lock, {});
    if (kind === "tryWithLock") return this.#try(lock);
    if (kind === "hold") return this.#hold(lock);
    if (kind === "poll") return this.#under(lock, { retry: { retries: 20 } });
    if (kind === "raw") return this.#raw(lock);
    if (kind === "permits") return this.#under(useSemaphore(namespace, id, { permits: 3 }), { permits }, false);
    if (kind === "read") return this.#under(useReadWriteLock(namespace, id).read, {}, false);
    if (kind === "write") return this.#write(namespace);
    if (kind === "both") return this.#both(namespace);
    if (kind === "once") return this.#once(lock);
    if (kind === "lead") return this.#lead(lock);
    return lock.forceRelease();
  }

  get #site(): Site {
    return this.#in.sites[this.#job.lock] as Site;
  }

  get #holding() {
    const { ttl, releaseOnExit, minHold, maxHold, lockDelay } = this.#job;
    return {
      ttl,
      releaseOnExit,
      owner: this.#name,
      signal: this.#abort.signal,
      lockDelay,
      ...(minHold && { minHold: Math.min(minHold, maxHold ?? minHold) }),
      ...(maxHold && { maxHold }),
    };
  }

  async #under(lock: Lock, more: object, exclusive = true): Promise<void> {
    let section: Section | undefined;
    await lock.withLock((held) => this.#work(held, (section = this.#section(held.lease, exclusive))), {
      ...this.#holding,
      wait: this.#job.wait,
      ...more,
    });
    if (section) this.#in.judge.fulfilled(section);
  }

  async #try(lock: Lock): Promise<void> {
    let section: Section | undefined;
    const tried = await lock.tryWithLock(
      (held) => this.#work(held, (section = this.#section(held.lease, true))),
      this.#holding,
    );
    if (tried.acquired !== (section !== undefined)) this.#accuse("G7", "tryWithLock ran and says otherwise");
    if (section) this.#in.judge.fulfilled(section);
  }

  async #hold(lock: Lock): Promise<void> {
    const held = await lock.hold({ ...this.#holding, wait: this.#job.wait });
    const section = this.#section(held.lease, true);
    try {
      await this.#work(held, section);
      if (this.#job.fails) await held.renew();
    } finally {
      await held.release();
    }
  }

  /** The primitives alone, repeated as a careful caller may. */
  async #raw(lock: Lock): Promise<void> {
    const requestId = `request of ${this.#name}`;
    const { ttl, wait, steps, stepFor } = this.#job;
    const ask = () => lock.acquire(ttl, { requestId, wait, owner: this.#name });
    const granted = await ask();
    if (!granted.success) return;
    for (let step = 0; step < steps; step += 1) {
      await pause(stepFor);
      if (!(await lock.renew(granted.lease, ttl)).success) return;
    }
    const repeated = await ask();
    if (repeated.success && repeated.lease !== granted.lease) this.#accuse("G5", "repeated, it got another lease");
    const released = await lock.release(granted.lease);
    const late = await lock.renew(granted.lease, ttl);
    // A stale instance refuses the release of a lease that it does not know, which ends nothing.
    if (released !== true) return;
    if (late.success) this.#accuse("G3", "renewed after its release");
    const again = await ask();
    if (again.success) this.#accuse("G5", "granted again after its release");
  }

  async #write(namespace: Parameters<typeof useDurableLock>[0]): Promise<void> {
    const { write, downgrade, upgrade } = useReadWriteLock(namespace, this.#site.id);
    await write.withLock(
      async (held) => {
        const section = this.#section(held.lease, true);
        await this.#work(held, section);
        section.exclusive = false;
        await downgrade(held);
        await this.#work(held, section);
        if (await upgrade(held)) Object.assign(section, { exclusive: true, since: this.#in.caller.world.now });
        await this.#work(held, section);
      },
      { ...this.#holding, wait: this.#job.wait },
    );
  }

  /** All locks of the world, in one of two orders. */
  async #both(namespace: Parameters<typeof useDurableLock>[0]): Promise<void> {
    const sites = this.#job.fails ? this.#in.sites.toReversed() : this.#in.sites;
    const { minHold: _, maxHold: __, ...holding } = this.#holding;
    await withLocks(
      sites.map(({ id }) => useDurableLock(namespace, id)),
      async (held) => {
        const sections = sites.map((site, index) => this.#section(held.leases[index] as number, true, site));
        for (let step = 0; step < this.#job.steps; step += 1) {
          await pause(this.#job.stepFor);
          if (held.isLost()) throw held.signal.reason;
          for (const section of sections) this.#in.judge.stepped(section);
        }
      },
      { ...holding, wait: this.#job.wait },
    );
  }

  async #once(lock: Lock): Promise<void> {
    const { minHold: _, ...options } = this.#holding;
    const value = await once(
      lock,
      async (held) => {
        await this.#work(held, this.#section(held.lease, true));
        return held.lease;
      },
      { ...options, wait: this.#job.wait, retain: 366 * 86_400_000 },
    );
    this.#in.judge.result(this.#site, value);
  }

  /** Leads until it is aborted or has done its work. */
  async #lead(lock: Lock): Promise<void> {
    const { signal, ttl, releaseOnExit, lockDelay } = this.#holding;
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(new Mine("enough")), this.#job.wait + 1_000);
    const stop = AbortSignal.any([signal, patience.signal]);
    try {
      const options = { signal: stop, ttl, releaseOnExit, lockDelay, owner: `leader ${this.#name}` };
      await lead(lock, (leadership) => this.#term(leadership), options);
    } finally {
      clearTimeout(timer);
    }
  }

  async #term({ term, signal, hasEnded: isOver, resign }: Leadership): Promise<void> {
    const section = this.#section(term, true);
    for (let step = 0; step < this.#job.steps; step += 1) {
      await pause(this.#job.stepFor);
      if (isOver()) throw signal.reason as Error;
      this.#in.judge.stepped(section);
    }
    if (this.#job.fails) resign();
  }

  #section(lease: number, exclusive: boolean, site = this.#site): Section {
    const { releaseOnExit, minHold } = this.#job;
    const since = -1;
    const section = { site, lease, exclusive, since, releaseOnExit, minHold: minHold !== undefined };
    this.#in.judge.stepped(section);
    return section;
  }

  /** Looks at its lease after each await, as the documentation says, before it does anything. */
  async #work(held: HeldLease, section: Section): Promise<void> {
    for (let step = 0; step < this.#job.steps; step += 1) {
      await pause(this.#job.stepFor);
      if (held.isLost()) throw held.signal.reason as LeaseLostError;
      this.#in.judge.stepped(section);
    }
    if (this.#job.fails) throw new Mine("work failed");
  }

  #accuse(guarantee: string, what: string): void {
    this.#in.judge.accuse(guarantee, this.#site.id, `${this.#name}: ${what}`);
  }
}

/** A random pause of at most so long. */
function pause(atMost: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.random() * atMost);
  });
}
