import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  lead,
  once,
  useBarrier,
  useDurableLock,
  useLatch,
  useReadWriteLock,
  useSemaphore,
  webLocks,
  withLocks,
} from "../../src/index.ts";
import { History, READER, WRITER, permitsOf } from "../support/history.ts";
import { stubOf } from "../support/locks.ts";

const CALLERS = 200;
const IDS = 50;
const WAIT = { wait: 60_000 };
const locks = env.DURABLE_LOCK;
const pause = () => new Promise<void>((resolve) => queueMicrotask(resolve));
const pick = (count: number) => Math.floor(Math.random() * count);

let ids: string[];
let history: History;
const timers = new Set<unknown>();
const { setTimeout: set, clearTimeout: clear } = globalThis;

/** All at once, each on an id that chance picks. */
const everybody = <T>(call: (id: string, n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: CALLERS }, (_, n) => call(ids[pick(IDS)] as string, n)));

/** Work that others could run into: it yields to them, and to the network. */
async function work(id: string, lease: number, claim = WRITER): Promise<void> {
  const { leave } = history.enter(id, lease, claim);
  await pause();
  await stubOf(id).isLocked();
  leave();
}

beforeEach(() => {
  ids = Array.from({ length: IDS }, () => `stress-${crypto.randomUUID()}`);
  history = new History();
  timers.clear();
  // By hand: a spy would remember every call of thousands.
  globalThis.setTimeout = ((run: () => void, ms?: number) => {
    const timer: unknown = set(() => (timers.delete(timer), run()), ms);
    timers.add(timer);
    return timer;
  }) as typeof setTimeout;
  globalThis.clearTimeout = (timer) => {
    timers.delete(timer);
    clear(timer as number);
  };
});

afterEach(async () => {
  // Of the client's timers none is left, nor of the objects', which run in the same process.
  for (let n = 0; timers.size > 0 && n < 500; n += 1) await stubOf(ids[0] as string).isLocked();
  Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
  expect(timers.size).toBe(0);
  expect(history.violations).toEqual([]);
  for (const id of ids) expect(await stubOf(id).status()).toEqual({ locked: false, holders: [], waiters: [] });
});

describe(`${CALLERS} callers over ${IDS} ids`, { timeout: 60_000 }, () => {
  it("G1 G2 G4 G8 mutex: one at a time, all in the end, nothing left", async () => {
    await everybody((id) => useDurableLock(locks, id).withLock(({ lease }) => work(id, lease), WAIT));
    expect(history.entered).toBe(CALLERS);
  });

  it("G1 G4 G8 semaphore: never more than its permits, however many each takes", async () => {
    await everybody((id) => {
      const count = 1 + pick(4);
      const { withPermits } = useSemaphore(locks, id, { permits: 4 });
      return withPermits(count, ({ lease }) => work(id, lease, permitsOf(count, 4)), WAIT);
    });
    expect(history.entered).toBe(CALLERS);
  });

  it("G1 G4 G8 read-write lock: writers alone, also after an upgrade and until a downgrade", async () => {
    await everybody(async (id) => {
      const { read, write, downgrade, upgrade } = useReadWriteLock(locks, id);
      const isWriter = pick(3) === 0;
      await (isWriter ? write : read).withLock(async (held) => {
        const section = history.enter(id, held.lease, isWriter ? WRITER : READER);
        await pause();
        if (isWriter) {
          // Readers may come in before the reply is back.
          section.convert(READER);
          await downgrade(held);
        } else if (await upgrade(held)) section.convert(WRITER);
        await stubOf(id).isLocked();
        section.leave();
      }, WAIT);
    });
    expect(history.entered).toBe(CALLERS);
  });

  it("G1 G8 many locks: no deadlock, whatever is listed in whatever order", async () => {
    await everybody(async () => {
      const chosen = [...new Set(Array.from({ length: 2 + pick(3) }, () => ids[pick(IDS)] as string))];
      const all = chosen.map((id) => useDurableLock(locks, id));
      await withLocks(
        all,
        async ({ leases }) => {
          const sections = chosen.map((id, n) => history.enter(id, leases[n] as number, WRITER));
          await pause();
          for (const { leave } of sections) leave();
        },
        WAIT,
      );
    });
  });

  it("once: one run for each key, and its result for all", async () => {
    const runs = new Map<string, number>();
    const results = await everybody(async (id) => {
      const run = async () => {
        await pause();
        runs.set(id, (runs.get(id) ?? 0) + 1);
        return `result of ${id}`;
      };
      return [id, await once(useDurableLock(locks, id), run, WAIT)] as const;
    });
    for (const [id, result] of results) expect(result).toBe(`result of ${id}`);
    expect([...runs.values()].every((count) => count === 1)).toBe(true);
  });

  it("G1 G2 G8 leader election: one leader at a time, in growing terms", async () => {
    await everybody((id) => lead(useDurableLock(locks, id), ({ term }) => work(id, term)));
    expect(history.entered).toBe(CALLERS);
  });

  it("G1 G4 G8 Web Locks: exclusive alone, shared together", async () => {
    const managers = Array.from({ length: 5 }, () => webLocks(locks));
    await everybody((id, n) => {
      const mode = pick(2) === 0 ? "shared" : "exclusive";
      const claim = mode === "shared" ? READER : WRITER;
      const manager = managers[n % managers.length] as (typeof managers)[number];
      return manager.request(id, { mode }, (lock) => work(id, lock?.lease ?? 0, claim));
    });
    expect(history.entered).toBe(CALLERS);
    for (const manager of managers) expect(await manager.query()).toEqual({ held: [], pending: [] });
  });

  it("latch and barrier: each opens when all have come, and not before", async () => {
    const perId = CALLERS / IDS;
    const come = new Map<string, number>();
    await Promise.all(
      Array.from({ length: CALLERS }, async (_, n) => {
        const id = ids[n % IDS] as string;
        come.set(id, (come.get(id) ?? 0) + 1);
        const latch = useLatch(env.DURABLE_RENDEZVOUS, id, { count: perId });
        await latch.countDown();
        await latch.wait(WAIT);
        expect(come.get(id)).toBe(perId);
        const barrier = useBarrier(env.DURABLE_RENDEZVOUS, id, { parties: perId });
        const [first, second] = [await barrier.arrive(WAIT), await barrier.arrive(WAIT)];
        expect(second.generation).toBeGreaterThan(first.generation);
      }),
    );
    for (const id of ids) expect(await env.DURABLE_RENDEZVOUS.getByName(id).waiting()).toBe(0);
  });
});
