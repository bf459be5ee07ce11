import { setTimeout as sleep } from "node:timers/promises";
import {
  type HeldLease,
  type HoldOptions,
  type Lock,
  type Locks,
  createLock,
  createReadWriteLock,
  createSemaphore,
  isLockError,
  once,
} from "../../../src/client.ts";
import { type Journal, recorded } from "../history/recorder.ts";
import type { Asked, Run, Section, Step } from "../history/records.ts";
import { FENCED, OTHERS, PERMITS, UNFENCED, UNRELIABLE } from "./locks.ts";
import type { Resource } from "./resource.ts";

/** What a client has to do with. */
export interface World {
  client: string;
  locks: Locks;
  journal: Journal;
  resource: Resource;
  /** Is called when a critical section begins or ends. */
  onInside: (change: 1 | -1) => void;
}

/** What an operation came to: a word to count. */
type Outcome = string;

const TTLS = [500, 800, 1_200, 2_000, 3_000];
const whole = (below: number) => Math.floor(Math.random() * below);
const pick = <T>(from: readonly T[]): T => from[whole(from.length)] as T;
const isLikely = (share: number) => Math.random() < share;

/** The error that a critical section throws on its own. */
const OWN_ERROR = new Error("The work itself failed.");
const GAVE_UP = new Error("The client did not want to wait any longer.");

/** The primitives that the shipped client makes for an id, with every call written down. */
const primitivesOf = ({ client, locks, journal }: World, id: string) =>
  recorded(locks.lock(id).primitives, client, journal);

/** One operation, picked by chance; rejects with what no client should ever see. */
export async function operate(world: World): Promise<Outcome> {
  const chance = Math.random();
  if (chance < 0.6) return onMutex(world);
  if (chance < 0.72) return onShared(world);
  return chance < 0.86 ? byHand(world) : onceOnly(world);
}

function onMutex(world: World): Promise<Outcome> {
  const id = pick([...FENCED, ...UNFENCED]);
  const lock = createLock(primitivesOf(world, id));
  return underLock(world, lock);
}

function onShared(world: World): Promise<Outcome> {
  const id = pick(OTHERS);
  const primitives = primitivesOf(world, id);
  if (id === "semaphore")
    return underLock(world, createSemaphore(primitives, { permits: PERMITS }), { permits: 1 + whole(2) });
  const { read, write } = createReadWriteLock(primitives);
  return underLock(world, isLikely(0.3) ? write : read);
}

/** A critical section under withLock or tryWithLock. */
async function underLock(world: World, lock: Lock, more: HoldOptions = {}): Promise<Outcome> {
  const ttl = pick(TTLS);
  // Some wait for longer than a proxy lets a request take.
  const wait = 1_000 + whole(isLikely(0.1) ? 12_000 : 5_000);
  const options = { ttl, wait, owner: world.client, ...more };
  const section = new Work(world, lock.id, ttl);
  const controller = new AbortController();
  const impatience = setTimeout(() => controller.abort(GAVE_UP), isLikely(0.2) ? whole(1_000) : 60_000);
  try {
    if (isLikely(0.2)) {
      const { wait: _, ...tried } = options;
      const { acquired } = await lock.tryWithLock((held) => section.do(held), tried);
      return acquired ? section.settle("fulfilled") : "skipped";
    }
    await lock.withLock((held) => section.do(held), { ...options, signal: controller.signal });
    return section.settle("fulfilled");
  } catch (error) {
    return section.fail(error);
  } finally {
    clearTimeout(impatience);
  }
}

/** The work of one critical section, and the record of it. */
class Work {
  readonly #world: World;
  readonly #lock: string;
  readonly #ttl: number;
  #add: (more: Partial<Section>) => void = () => {};

  constructor(world: World, lock: string, ttl: number) {
    this.#world = world;
    this.#lock = lock;
    this.#ttl = ttl;
  }

  /** Writes at each step, as long as it holds; now and then for longer than its ttl. */
  async do(held: HeldLease): Promise<void> {
    this.#world.onInside(1);
    await this.#steps(held).finally(() => this.#world.onInside(-1));
    if (isLikely(0.05)) throw OWN_ERROR;
  }

  async #steps({ lease, signal, isLost }: HeldLease): Promise<void> {
    const { client, journal } = this.#world;
    const fenced = !UNFENCED.includes(this.#lock);
    const steps: Step[] = [];
    const entered = journal.now();
    this.#add = journal.open<Section>({ kind: "section", lock: this.#lock, client, lease, fenced, entered, steps });
    signal.addEventListener("abort", () => this.#add({ lost: journal.now() }));
    const pause = isLikely(0.1) ? this.#ttl / 2 : 40;
    for (let left = 1 + whole(5); left > 0; left -= 1) {
      const checked = journal.now();
      if (isLost()) break;
      // A process can be stopped between its look at the clock and its step; this pause alone is far below the margin.
      await sleep(Math.random() * 25);
      const accepted = this.#write(lease, checked);
      steps.push({ checked, at: journal.now() });
      this.#add({ steps });
      if (!accepted) break;
      await sleep(Math.random() * pause);
    }
    this.#add({ left: journal.now() });
  }

  settle(settled: NonNullable<Section["settled"]>): Outcome {
    this.#add({ settled });
    return settled;
  }

  /** What may come of it where everything fails. */
  fail(error: unknown): Outcome {
    if (isLockError(error, "LEASE_LOST")) return this.settle("lost");
    if (isLockError(error, "RELEASE_FAILED")) return this.settle("unconfirmed");
    if (error === OWN_ERROR) return this.settle("failed");
    return expected(error);
  }

  #write(lease: number, checked: number): boolean {
    const { client, resource } = this.#world;
    const lock = this.#lock;
    if (FENCED.includes(lock)) return resource.writeFenced({ resource: lock, lock, client, lease, checked });
    if (UNFENCED.includes(lock)) resource.writeUnfenced({ resource: lock, lock, client, lease, checked });
    return true;
  }
}

function expected(error: unknown): Outcome {
  if (error === GAVE_UP) return "gave up";
  if (isLockError(error) && ["LOCK_TIMEOUT", "UNREACHABLE"].includes(error.code)) return error.code;
  throw error;
}

/** Acquires, renews and releases by itself, forgets to, and repeats what it should not. */
async function byHand(world: World): Promise<Outcome> {
  const lock = createLock(primitivesOf(world, pick(UNRELIABLE)));
  const request = { requestId: crypto.randomUUID(), wait: whole(2_000) };
  const release = { requestId: crypto.randomUUID() };
  try {
    const result = await lock.acquire(pick(TTLS), request);
    if (!result.success) return result.reason;
    const { lease } = result;
    const deeds = [
      () => lock.renew(lease, pick(TTLS)),
      () => lock.release(lease, release),
      () => lock.release(lease),
      () => lock.acquire(pick(TTLS), request),
      () => sleep(whole(400)),
      () => lock.isLocked(),
    ];
    for (let left = 1 + whole(6); left > 0; left -= 1) await pick(deeds)();
    // Seldom forgotten: the others want to get on.
    if (isLikely(0.8)) await lock.release(lease, release);
    return "by hand";
  } catch (error) {
    return expected(error);
  }
}

/** A job whose key many share: some for as long as the run lasts, some for a moment. */
async function onceOnly(world: World): Promise<Outcome> {
  const { client, journal } = world;
  const isShort = isLikely(0.3);
  const retain = isShort ? 1_500 : 3_600_000;
  const key = isShort ? `short-${whole(2)}` : `long-${Math.floor(journal.now() / 4_000)}`;
  const asked: Asked = { kind: "asked", key, client, retain, invoked: journal.now() };
  const answer = journal.open(asked);
  const ttl = pick(TTLS);
  const section = new Work(world, key, ttl);
  const job = async (held: HeldLease): Promise<string> => {
    const record = journal.open<Run>({ kind: "run", key, client, lease: held.lease, began: journal.now() });
    await section.do(held);
    const value = crypto.randomUUID();
    record({ ended: journal.now(), value });
    return value;
  };
  try {
    const lock = createLock(primitivesOf(world, key));
    const value = await once(lock, job, { ttl, wait: 1_000 + whole(4_000), retain, owner: client });
    answer({ answered: journal.now(), value });
    return section.settle("fulfilled");
  } catch (error) {
    return section.fail(error);
  }
}
