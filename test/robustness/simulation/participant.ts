import { AsyncLocalStorage } from "node:async_hooks";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

const running = new AsyncLocalStorage<Participant>();

/** Whose code runs now; the globals ask it for the time. */
export function current(): Participant | undefined {
  return running.getStore();
}

/** 2026, so that lease numbers look as they do. */
const EPOCH = 1_790_000_000_000;

export interface Clock {
  /** How fast it runs: 1 is true. */
  rate: number;
  /** What its reading is ahead of the truth, in milliseconds. */
  ahead: number;
}

/** A separate process: a caller or an instance of an object, with its own clock; it may be paused and may die. */
export class Participant {
  readonly name: string;
  readonly world: World;
  readonly random: Random;
  readonly #timers = new Map<number, () => void>();
  readonly #startedAt: number;
  readonly #clock: Clock;
  #isAlive = true;
  #isPaused = false;
  #backlog: (() => void)[] = [];
  #nextTimer = 1;

  constructor(world: World, name: string, clock: Clock) {
    this.world = world;
    this.name = name;
    this.#clock = { ...clock };
    this.#startedAt = world.now;
    this.random = world.stream(name);
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** The wall clock. */
  get wall(): number {
    return Math.floor(EPOCH + this.#clock.ahead + this.world.now * this.#clock.rate);
  }

  /** What the wall clock reads now ahead of the truth. */
  get ahead(): number {
    return this.#clock.ahead + this.world.now * (this.#clock.rate - 1);
  }

  /** The stopwatch, which no step of the wall clock moves. */
  get stopwatch(): number {
    return (this.world.now - this.#startedAt) * this.#clock.rate;
  }

  stepClock(by: number): void {
    this.#clock.ahead += by;
  }

  /** Runs its code now, if it lives; later, if it is paused. */
  run(work: () => void): void {
    if (!this.#isAlive) return;
    if (this.#isPaused) this.#backlog.push(work);
    else running.run(this, work);
  }

  /** Runs its code after a true delay. */
  after(delay: number, work: () => void): void {
    this.world.after(delay, () => this.run(work));
  }

  setTimer(run: () => void, ms = 0): number {
    const id = (this.#nextTimer += 1);
    this.#timers.set(id, run);
    const delay = Math.max(0, ms) / this.#clock.rate;
    this.after(Math.max(0, delay + this.#lateness()), () => {
      if (this.#timers.delete(id)) run();
    });
    return id;
  }

  clearTimer(id: number): void {
    this.#timers.delete(id);
  }

  pause(): void {
    this.#isPaused = true;
  }

  /** What it missed comes all at once. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const missed = this.#backlog;
    this.#backlog = [];
    for (const work of missed) this.after(0, work);
  }

  die(): void {
    this.#isAlive = false;
    this.#timers.clear();
    this.#backlog = [];
  }

  /** Timers fire a little early at times, a little late as a rule, and very late on a busy machine. */
  #lateness(): number {
    const luck = this.random.next();
    if (luck < 0.05) return -0.9;
    return luck < 0.97 ? this.random.between(0, 2) : this.random.magnitude(2, 500);
  }
}
