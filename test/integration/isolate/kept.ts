// What one request of a Worker leaves in a global, and what happens when another request of the isolate uses it.
import { env } from "cloudflare:workers";
import {
  type ExitWatch,
  type HeldLease,
  type HeldLocks,
  type Leader,
  type Leadership,
  type Lock,
  type WebLock,
  createLock,
  createReadWriteLock,
  isLockError,
  lead,
  observe,
  once,
  useBarrier,
  useDurableLock,
  useLatch,
  webLocks,
  withLocks,
} from "durable-locks";
import { connectLocks } from "durable-locks/client";
import { TOKEN, connection } from "./made.ts";

export type Transport = "rpc" | "http";
/** The outcome of a use: a value or an error. */
export interface Outcome {
  value?: unknown;
  code?: string;
  message?: string;
}

/** What a request left behind. Another request may use only its plain values. */
interface LeftBehind {
  held: HeldLease;
  releaseOnExit: HeldLease | undefined;
  silent: HeldLease;
  many: HeldLocks;
  leadership: Leadership;
  webLock: WebLock;
  leaders: AsyncGenerator<Leader | undefined>;
  parked: AsyncGenerator<Leader | undefined>;
  signal: AbortSignal;
  fetched: Lock;
  stubbed: Lock;
  exitWatch: ExitWatch | undefined;
}

const leftBehind: Partial<Record<string, LeftBehind>> = {};
const ending = new Set<string>();

const lockOf = (via: Transport, id: string) =>
  via === "rpc" ? useDurableLock(env.DURABLE_LOCK, id) : connection.lock(id);

/** Takes a lease in each way and leaves it in a global. With `stay` the request goes on until `endRequest` is called. */
export async function leaveBehind(via: Transport, id: string, stay: boolean): Promise<unknown> {
  const lock = lockOf(via, id);
  const held = await lock.hold({ ttl: 60_000 });
  const end = new AbortController();
  const elected = Promise.withResolvers<Leadership>();
  const together = Promise.withResolvers<HeldLocks>();
  const granted = Promise.withResolvers<WebLock>();
  const until = new Promise<void>((resolve) => end.signal.addEventListener("abort", () => resolve()));
  const led = lead(lockOf(via, `${id}:lead`), async (leadership) => (elected.resolve(leadership), await until));
  const many = withLocks([lockOf(via, `${id}:many`)], async (locks) => (together.resolve(locks), await until));
  const manager = via === "rpc" ? webLocks(env.DURABLE_LOCK) : connection.webLocks();
  const requested = manager.request(`${id}:web`, async (webLock) => (granted.resolve(webLock as WebLock), await until));
  const parked = observe(lock);
  await parked.next();
  void parked.next().catch(() => {});
  const leaders = observe(lock);
  await leaders.next();
  const stub = env.KEEPER.getByName(id);
  const releaseOnExit =
    via === "rpc" ? await lockOf(via, `${id}:releaseOnExit`).hold({ ttl: 60_000, releaseOnExit: true }) : undefined;
  const exitWatch = await lock.primitives.watchExit?.(held.lease);
  const object = env.DURABLE_LOCK.getByName(id);
  leftBehind[id] = {
    held,
    releaseOnExit,
    exitWatch: exitWatch?.success ? exitWatch : undefined,
    silent: await holdSilently(lockOf(via, `${id}:silent`)),
    many: await together.promise,
    leadership: await elected.promise,
    webLock: await granted.promise,
    leaders,
    parked,
    signal: end.signal,
    fetched: connectLocks({ url: "https://locks.example", token: TOKEN, fetch: stub }).lock(id),
    stubbed: createLock({ ...lock.primitives, isLocked: async () => object.isLocked() }),
  };
  if (!stay) return { lease: held.lease };
  while (!ending.has(id)) await scheduler.wait(10);
  // The attempts of other requests must not have spoiled the hold.
  await held.renew();
  const released = await held.release();
  end.abort();
  await Promise.all([led, many, requested]);
  return { released, releaseOnExit: await leftBehind[id]?.releaseOnExit?.release(), locked: await lock.isLocked() };
}

/** A hold with a renewal and a release that are never answered. */
async function holdSilently(lock: Lock): Promise<HeldLease> {
  const silence = () => new Promise<never>(() => {});
  const silent = createLock({ ...lock.primitives, renew: silence, release: silence });
  const held = await silent.hold({ ttl: 60_000, minHold: 50_000 });
  void held.renew().catch(() => {});
  void held.release().catch(() => {});
  return held;
}

export function isLeftBehind(id: string): boolean {
  return leftBehind[id] !== undefined;
}

export function endRequest(id: string): boolean {
  ending.add(id);
  return true;
}

/** Uses in every way what another request has left behind. */
export async function useLeftBehind(via: Transport, id: string): Promise<Record<string, Outcome>> {
  const {
    held,
    releaseOnExit,
    silent,
    many,
    leadership,
    webLock,
    leaders,
    parked,
    signal,
    fetched,
    stubbed,
    exitWatch,
  } = leftBehind[id] as LeftBehind;
  const lock = lockOf(via, id);
  const { upgrade, downgrade } = createReadWriteLock(lock.primitives);
  const uses: Record<string, () => unknown> = {
    signal: () => held.signal,
    isLost: () => held.isLost(),
    remaining: () => held.remaining(),
    renew: () => held.renew(),
    "renew with a ttl": () => held.renew(60_000),
    release: () => held.release(),
    "release again": () => held.release(),
    dispose: () => held[Symbol.asyncDispose](),
    upgrade: () => upgrade(held),
    downgrade: () => downgrade(held),
    ...(releaseOnExit && { "release a hold with releaseOnExit": () => releaseOnExit.release() }),
    ...(exitWatch && {
      "the next event of an exit watch": () => exitWatch.next(false),
      "dispose of an exit watch": () => exitWatch[Symbol.dispose](),
    }),
    "renew while a renewal is never answered": () => silent.renew(),
    "release while a release is never answered": () => silent.release(),
    "signal of many": () => many.signal,
    "isLost of many": () => many.isLost(),
    "signal of a leader": () => leadership.signal,
    "signal of a web lock": () => webLock.signal,
    "hasEnded of a leader": () => leadership.hasEnded(),
    "resign of a leader": () => leadership.resign(),
    "the next of observe": () => leaders.next(),
    "the next of observe that is parked": () => parked.next(),
    "the end of observe that is parked": () => parked.return(undefined),
    "acquire with its signal": () => lock.acquire(1_000, { wait: 1_000, signal }),
    "hold with its signal": () => lock.hold({ signal }),
    "lead with its signal": () => lead(lock, () => {}, { signal }),
    "observe with its signal": () => observe(lock, { signal }).next(),
    "once with its signal": () => once(lock, () => {}, { signal }),
    "many with its signal": () => withLocks([lock], () => {}, { signal }),
    "a web lock with its signal": () => webLocks(env.DURABLE_LOCK).request(id, { signal }, () => {}),
    "a latch with its signal": () => useLatch(env.DURABLE_RENDEZVOUS, id, { count: 1 }).wait({ signal }),
    "a barrier with its signal": () => useBarrier(env.DURABLE_RENDEZVOUS, id, { parties: 2 }).arrive({ signal }),
    "its fetch": () => fetched.isLocked(),
    "its stub": () => stubbed.isLocked(),
  };
  const outcomes: Record<string, Outcome> = {};
  for (const [name, use] of Object.entries(uses)) outcomes[name] = await outcomeOf(use);
  return outcomes;
}

/** Does what another request may do with the lease number. */
export async function useNumber(via: Transport, id: string): Promise<Record<string, Outcome>> {
  const { lease, deadline } = (leftBehind[id] as LeftBehind).held;
  const lock = lockOf(via, id);
  return {
    deadline: await outcomeOf(() => typeof deadline),
    resume: await outcomeOf(async () => {
      const resumed = await lock.resume(lease);
      await resumed.renew();
      return resumed.isLost();
    }),
    release: await outcomeOf(() => lock.release(lease)),
  };
}

const HANGS = Symbol("hangs");

async function outcomeOf(use: () => unknown): Promise<Outcome> {
  const end = new AbortController();
  const hangs = scheduler.wait(3_000, { signal: end.signal }).then(() => HANGS);
  hangs.catch(() => {});
  try {
    const value = await Promise.race([Promise.resolve().then(use), hangs]);
    return { value: value === HANGS ? "it hangs" : typeof value === "object" ? typeof value : value };
  } catch (error) {
    if (isLockError(error)) return { code: error.code, message: error.message };
    return { code: "not typed", message: String(error).slice(0, 120) };
  } finally {
    end.abort();
  }
}
