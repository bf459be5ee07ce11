import { Schedule } from "../core/schedule.ts";

/** What calls wait for. */
export interface Condition {
  /** Calls with the same key wait for the same. */
  key: string;
  /** The lease whose events alone can make it true; absent if any event can. */
  lease?: number;
  isTrue: (now: number) => boolean;
}

/** What a watcher has to know of an event: the lease that it happened to, if it was one lease. */
interface Event {
  lease?: number;
}

/** The calls that wait for the same. */
interface Group extends Condition {
  calls: Set<Call>;
}

interface Call {
  group: Group;
  /** Ends the wait: true if the condition holds, false if the time is up. */
  end: (isTrue: boolean) => void;
}

const ANY_EVENT: readonly Event[] = [{}];

/**
 * Calls that are parked until a condition on the object's state holds.
 *
 * After each event a condition is checked once for all calls that share it, and only if the event can have made it true.
 * So an event costs the same however many calls are parked, except for those that it ends.
 */
export class Watchers {
  readonly #groups = new Map<string, Group>();
  /** The groups that wait for the events of a lease, by lease number. */
  readonly #ofLeases = new Map<number, Set<Group>>();
  /** The groups that any event concerns. */
  readonly #ofAny = new Set<Group>();
  /** The groups that have not been checked yet. Their conditions may have been true from the start. */
  readonly #new = new Set<Group>();
  readonly #ends = new Schedule<Call>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Waits for a condition; resolves to false if it has not become true by `until`. */
  watch(condition: Condition, until: number = Number.POSITIVE_INFINITY): Promise<boolean> {
    const { promise, resolve: end } = Promise.withResolvers<boolean>();
    const group = this.#groups.get(condition.key) ?? this.#add({ ...condition, calls: new Set() });
    const call = { group, end };
    group.calls.add(call);
    this.#size += 1;
    if (until < Number.POSITIVE_INFINITY) this.#ends.set(call, until);
    return promise;
  }

  /** Answers the calls whose condition has become true through these events, and the calls whose time is up. */
  check(now: number, events: readonly Event[] = ANY_EVENT): void {
    for (const group of this.#concerned(events))
      if (group.isTrue(now)) for (const call of group.calls) this.#end(call, true);
    for (const call of this.#ends.takeDue(now)) this.#end(call, false);
  }

  /** When the time of a call is up next; `Infinity` if that never happens. */
  nextDue(): number {
    return this.#ends.first();
  }

  #concerned(events: readonly Event[]): Set<Group> {
    const groups = new Set(this.#new);
    this.#new.clear();
    if (events.length > 0) for (const group of this.#ofAny) groups.add(group);
    for (const { lease } of events)
      if (lease !== undefined) for (const group of this.#ofLeases.get(lease) ?? []) groups.add(group);
    return groups;
  }

  #add(group: Group): Group {
    this.#groups.set(group.key, group);
    this.#new.add(group);
    this.#peersOf(group).add(group);
    return group;
  }

  #end(call: Call, isTrue: boolean): void {
    const { group } = call;
    this.#ends.delete(call);
    this.#size -= 1;
    group.calls.delete(call);
    call.end(isTrue);
    if (group.calls.size === 0) this.#remove(group);
  }

  #remove(group: Group): void {
    this.#groups.delete(group.key);
    this.#new.delete(group);
    const peers = this.#peersOf(group);
    peers.delete(group);
    if (group.lease !== undefined && peers.size === 0) this.#ofLeases.delete(group.lease);
  }

  /** The groups that the same events concern. */
  #peersOf({ lease }: Group): Set<Group> {
    if (lease === undefined) return this.#ofAny;
    const peers = this.#ofLeases.get(lease) ?? new Set();
    this.#ofLeases.set(lease, peers);
    return peers;
  }
}
