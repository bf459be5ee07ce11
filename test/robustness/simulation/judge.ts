import { LIMITS } from "../../../src/core/limits.ts";
import type { Ticket } from "../../../src/object/handles/ticket.ts";
import type { Instance } from "./instance.ts";
import { LATEST, Ledger } from "./ledger.ts";
import type { Site } from "./site.ts";
import type { World } from "./world.ts";

/** How long before a grant what excuses it may have happened: while it waited, or was being stored. */
const BEFORE = LIMITS.longPoll + LATEST;

/** A promise that was broken. */
export interface Violation {
  guarantee: string;
  lock: string;
  at: number;
  what: string;
}

/** A critical section, as its caller sees it. */
export interface Section {
  site: Site;
  lease: number;
  exclusive: boolean;
  /** Since when it takes what it takes, in true time. */
  since: number;
  /** A connection that is cut may end it before its holder knows: that is documented. */
  releaseOnExit: boolean;
  /** It outlasts its release. */
  minHold: boolean;
}

interface Queued {
  /** Unknown for a request that has waited before: only the object knows whether it lost its queue entry. */
  arrival: number | undefined;
  /** How many of its calls wait: none if it was answered and may return to its entry, several if it was repeated. */
  calls: number;
}

/** Sees everything, the participants nothing of it, and says which guarantee was broken. */
export class Judge {
  readonly violations: Violation[] = [];
  readonly #world: World;
  readonly #ledgers = new Map<Site, Ledger>();
  readonly #queues = new WeakMap<Instance, Map<string, Queued>>();
  readonly #granted = new WeakMap<Instance, Set<string>>();
  /** When what no lease survives last happened: a forced release, or a clock that was put forward. */
  readonly #excused = new Map<Site, number>();
  readonly #wentAhead = new Set<Site>();
  readonly #results = new Map<Site, number>();
  #arrivals = 0;

  constructor(world: World) {
    this.#world = world;
  }

  accuse(guarantee: string, lock: string, what: string): void {
    this.violations.push({ guarantee, lock, at: this.#world.now, what });
    this.#world.tell(() => `VIOLATION ${guarantee} of ${lock}: ${what}`);
  }

  ledger(site: Site): Ledger {
    const known = this.#ledgers.get(site);
    if (known) return known;
    const ledger = new Ledger(site.id, (guarantee, what) => this.accuse(guarantee, site.id, what));
    this.#ledgers.set(site, ledger);
    return ledger;
  }

  /** Something became durable. */
  committed(site: Site): void {
    this.ledger(site).read(site, this.#world.now);
  }

  /** The object's clock was put forward, which ends leases early: that is documented. */
  clockWentAhead(site: Site): void {
    this.#wentAhead.add(site);
    this.#excused.set(site, this.#world.now);
  }

  /** A section does something and believes that it may: G6, and G1 as the sections see it. */
  stepped({ site, lease, exclusive, since, releaseOnExit }: Section): void {
    const own = this.ledger(site).grant(lease);
    if (!own) return this.accuse("G1", site.id, `a holder works under ${lease}, which was never stored`);
    if (releaseOnExit || (this.#excused.get(site) ?? Number.NEGATIVE_INFINITY) >= own.at - BEFORE) return;
    const later = this.ledger(site)
      .after(lease)
      .find((grant) => (grant.exclusive || exclusive) && grant.at >= since);
    if (later)
      this.accuse(
        "G6",
        site.id,
        `${lease} works and does not know that ${later.lease} was granted at ${later.at.toFixed(2)}`,
      );
  }

  /** `withLock` fulfilled: the lease lived until its release. */
  fulfilled({ site, lease, minHold }: Section): void {
    const how = this.ledger(site).grant(lease)?.how;
    if (how !== "released" && !minHold) this.accuse("G7", site.id, `fulfilled under ${lease}, which ended as: ${how}`);
  }

  /** The result of a job, the same for every caller: the run under this lease. */
  result(site: Site, run: number): void {
    const known = this.#results.get(site);
    if (known !== undefined && known !== run)
      this.accuse("once", site.id, `came to ${known} for one and to ${run} for another`);
    this.#results.set(site, run);
  }

  /** Follows what a call does to the queue and what its caller learns; pass the reply to the returned function. */
  noteCall(instance: Instance, method: string, args: unknown[]): (value: unknown) => void {
    if (method === "forceRelease") this.#excused.set(instance.site, this.#world.now);
    if (method === "cancel") return (value) => value === true && this.#cancelled(instance, String(args[0]));
    if (method !== "acquireOrQueue" && method !== "acquire") return () => {};
    const options = (args[1] ?? {}) as { requestId?: string; wait?: number; waited?: number };
    const requestId = options.requestId ?? "";
    const queue = this.#queueAt(instance);
    const queued = options.wait ? this.#queue(queue, requestId, options.waited ?? 0) : queue.get(requestId);
    // A request that does not wait comes before all requests that arrive after it.
    const arrival = queued ? queued.arrival : this.#arrivals + 0.5;
    const note = (value: unknown) => {
      if (typeof value !== "object" || value === null || !("success" in value)) return;
      if (queued) queued.calls -= 1;
      if (value.success === true) queue.delete(requestId);
      if (value.success === true && this.#isFirst(instance, requestId) && arrival !== undefined)
        this.#inOrder(instance, requestId, arrival);
    };
    // A waiter gets a ticket first. Its grant is noted when the object gives it, whether or not it reaches the waiter.
    return (value) => (isTicket(value) ? void value.pendingGrant.reply().then(note) : note(value));
  }

  #queue(queue: Map<string, Queued>, requestId: string, waited: number): Queued | undefined {
    const known = queue.get(requestId);
    const isNew = !known && waited === 0;
    const queued = known?.calls ? known : { arrival: isNew ? (this.#arrivals += 1) : undefined, calls: 0 };
    queued.calls += 1;
    queue.set(requestId, queued);
    return queued;
  }

  #queueAt(instance: Instance): Map<string, Queued> {
    const queue = this.#queues.get(instance) ?? new Map<string, Queued>();
    this.#queues.set(instance, queue);
    return queue;
  }

  /** A request that was granted before gets the same answer again, no matter who waits by now. */
  #isFirst(instance: Instance, requestId: string): boolean {
    const granted = this.#granted.get(instance) ?? new Set();
    this.#granted.set(instance, granted);
    const isFirst = !granted.has(requestId) && !this.ledger(instance.site).byRequest(requestId);
    granted.add(requestId);
    return isFirst;
  }

  /** G4: at a grant, no earlier request still waits. Requests that are answered in the same turn don't count. */
  #inOrder(instance: Instance, requestId: string, arrival: number): void {
    const queue = this.#queueAt(instance);
    const before = [...queue].filter(([, queued]) => queued.calls > 0 && (queued.arrival ?? arrival) < arrival);
    if (before.length === 0) return;
    this.#world.after(0, () => {
      if (!instance.isAlive) return;
      const overtaken = before.find(([id, queued]) => queue.get(id) === queued && queued.calls > 0);
      if (overtaken)
        this.accuse("G4", instance.site.id, `${requestId} was granted before ${overtaken[0]}, which came earlier`);
    });
  }

  /** G5: what is confirmed as taken back has no lease, and never gets one. */
  #cancelled(instance: Instance, requestId: string): void {
    const { site } = instance;
    // What has expired stays as it is, and by a clock that was put forward anything may have.
    if (this.#wentAhead.has(site)) return;
    instance.letOut(() => {
      if (site.owner === instance) this.ledger(site).cancelled(requestId, instance);
    });
  }
}

function isTicket(value: unknown): value is Ticket {
  return typeof value === "object" && value !== null && "pendingGrant" in value;
}
