import { Store, type Change } from "./disk.ts";
import { Instance } from "./instance.ts";
import type { Judge } from "./judge.ts";
import { type Fault, rateOf } from "./plan.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** In milliseconds. */
const IDLE = 60_000;

/** One object: what it stores, the instance that owns it, and replaced instances that don't know that they are. */
export class Site {
  readonly id: string;
  readonly world: World;
  readonly disk = Store.open();
  owner: Instance | undefined;
  readonly #judge: Judge;
  readonly #random: Random;
  readonly #stale = new Set<Instance>();
  /** The instance that started last: the next one's clock goes on from what its reads. */
  #last: Instance | undefined;
  #started = 0;
  #usedAt = 0;
  #alarmSetFor: number | null = null;

  constructor(world: World, id: string, judge: Judge) {
    this.world = world;
    this.id = id;
    this.#judge = judge;
    this.#random = world.stream(`site ${id}`);
  }

  /** Where a call arrives: now and then still at an instance that was replaced. */
  route(): Instance {
    if (this.#stale.size > 0 && this.#random.chance(0.5)) return this.#random.pick([...this.#stale]);
    // The platform evicts an instance that was not used for a minute or so.
    if (this.world.now - this.#usedAt > IDLE && this.owner?.isIdle) this.owner.crash();
    this.#usedAt = this.world.now;
    return (this.owner ??= this.#start());
  }

  /** The instances that run, the one that owns the storage first. */
  get running(): Instance[] {
    return [...(this.owner ? [this.owner] : []), ...this.#stale];
  }

  /** Whether it stores the result of a job, which stays. */
  get keepsResult(): boolean {
    return this.disk.get("result") !== undefined;
  }

  suffer(fault: Exclude<Fault, { caller: number }>): void {
    if (fault.kind === "crash") this.owner?.crash();
    // Taken out of memory, as the platform does with what is idle.
    else if (fault.kind === "evict" && this.owner?.isIdle) this.owner.crash();
    else if (fault.kind === "alarm") this.ringAlarm();
    else if (fault.kind === "split") this.#split(fault.during);
    else if (fault.kind === "stall") this.#stall(fault.during);
    else if (fault.kind === "step") this.#stepClock(fault.by);
  }

  heal(): void {
    for (const stale of this.#stale) stale.crash();
    this.owner?.process.resume();
  }

  /** Another instance takes over, and the present one does not know. */
  #split(forHowLong: number): void {
    const replaced = this.owner;
    if (!replaced) return;
    this.world.tell(() => `${replaced.process.name} is replaced and does not know`);
    this.#stale.add(replaced);
    this.owner = undefined;
    this.owner = this.#start();
    this.world.after(forHowLong, () => replaced.crash());
  }

  gone(instance: Instance): void {
    this.#stale.delete(instance);
    if (this.owner === instance) this.owner = undefined;
  }

  #stall(forHowLong: number): void {
    const stalled = this.owner;
    stalled?.process.pause();
    this.world.after(forHowLong, () => stalled?.process.resume());
  }

  #stepClock(by: number): void {
    if (by > 0) this.#judge.clockWentAhead(this);
    for (const { process } of this.running) process.stepClock(by);
  }

  commit(changes: Change[]): void {
    for (const change of changes) this.disk.apply(change);
    this.#judge.committed(this);
    this.#keepAlarm();
  }

  /** Runs the alarm, due or not: one may come late, and twice. */
  ringAlarm(): void {
    const instance = (this.owner ??= this.#start());
    instance.enter(() => {
      instance.object.alarm().catch((error: unknown) => this.#judge.accuse("G8", this.id, `the alarm threw: ${error}`));
    });
  }

  /** Nothing here fails by itself: an instance that gives up while it runs has found a defect in itself. */
  aborted(reason: string): void {
    this.#judge.accuse("G1", this.id, `the object aborted: ${reason}`);
  }

  close(): void {
    for (const instance of this.running) instance.crash();
    this.disk.close();
  }

  /** On another machine, whose clock runs at another rate, and is behind at most: one ahead would end leases early. */
  #start(): Instance {
    this.#started += 1;
    const { now } = this.world;
    const rate = rateOf(this.#random);
    const ahead = (this.#last?.process.ahead ?? 0) - this.#random.between(0, 20);
    // A clock reads what is ahead plus rate times now.
    const instance = new Instance(this, `${this.id}#${this.#started}`, { rate, ahead: ahead + now * (1 - rate) });
    this.#last = instance;
    this.world.tell(() => `${instance.process.name} starts`);
    return instance;
  }

  #keepAlarm(): void {
    const at = this.disk.alarm;
    if (at === this.#alarmSetFor) return;
    this.#alarmSetFor = at;
    if (at === null) return;
    const now = this.owner?.process.wall ?? at;
    this.world.after(Math.max(0, at - now) + this.#random.magnitude(1, 60_000), () => {
      if (this.#alarmSetFor !== at) return;
      this.#alarmSetFor = null;
      this.disk.apply({ do: "alarm", at: null });
      this.ringAlarm();
    });
  }
}
