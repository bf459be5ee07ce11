// The Worker that calls the objects of another; the rig chooses the version of the package.
import * as locksPackage from "durable-locks";
import {
  type DurableLock,
  type DurableRendezvous,
  isLockError,
  lead,
  observe,
  once,
  useBarrier,
  useDurableLock,
  useLatch,
  useReadWriteLock,
  useSemaphore,
  webLocks,
  withLocks,
} from "durable-locks";

interface Env {
  FIRST_LOCK: DurableObjectNamespace<DurableLock>;
  FIRST_RENDEZVOUS: DurableObjectNamespace<DurableRendezvous>;
  TODAY_LOCK: DurableObjectNamespace<DurableLock>;
  TODAY_RENDEZVOUS: DurableObjectNamespace<DurableRendezvous>;
}

// The first version calls it `bound`.
const UNTIL_EXIT = "bindLocks" in locksPackage ? { releaseOnExit: true } : { bound: true };

type Calls = Record<string, () => Promise<unknown>>;

function callsOf(locks: DurableObjectNamespace<DurableLock>, rendezvous: Env["TODAY_RENDEZVOUS"], id: string): Calls {
  const lock = useDurableLock(locks, id);
  const latch = useLatch(rendezvous, id, { count: 1 });
  const barrier = useBarrier(rendezvous, id, { parties: 1 });
  const others = `${id} of another`;
  return {
    acquire: () => lock.acquire(1_000),
    "acquire with wait": () => lock.acquire(1_000, { wait: 1_000 }),
    renew: () => lock.renew(1, 1_000),
    release: () => lock.release(1),
    isLocked: () => lock.isLocked(),
    status: () => lock.status(),
    hold: async () => (await lock.hold()).release(),
    "hold until the context ends": async () => (await lock.hold(UNTIL_EXIT)).release(),
    resume: () => lock.resume(1),
    withLock: () => lock.withLock(() => "ran"),
    tryWithLock: () => lock.tryWithLock(() => "ran"),
    forceRelease: () => lock.forceRelease(),
    requestRelease: () => lock.requestRelease(),
    once: () => once(useDurableLock(locks, `${others} job`), () => "ran"),
    lead: () => lead(lock, () => Promise.resolve("led")),
    observe: async () => {
      const seen = observe(lock);
      await seen.next();
      await seen.return?.();
    },
    "a semaphore": () => useSemaphore(locks, others, { permits: 2 }).withLock(() => "ran"),
    "a read lock": () => useReadWriteLock(locks, `${others} kind`).read.withLock(() => "ran"),
    "many locks": () => withLocks([lock, useDurableLock(locks, others)], () => "ran"),
    "web locks": () => webLocks(locks).request(others, () => "ran"),
    "a count-down": () => latch.countDown(),
    "a latch": () => latch.wait({ wait: 1_000 }),
    "a latch's question": () => latch.remaining(),
    "a barrier": () => barrier.arrive(),
    "a barrier's question": () => barrier.waiting(),
  };
}

/** Makes every call and answers with each outcome: a code, or "done". */
export default {
  async fetch(request, env) {
    const { searchParams } = new URL(request.url);
    const [locks, rendezvous] =
      searchParams.get("at") === "first"
        ? [env.FIRST_LOCK, env.FIRST_RENDEZVOUS]
        : [env.TODAY_LOCK, env.TODAY_RENDEZVOUS];
    const only = searchParams.get("only");
    const came: Record<string, Outcome> = {};
    for (const [name, call] of Object.entries(callsOf(locks, rendezvous, searchParams.get("id") ?? "")))
      if (only === null || only === name) came[name] = await outcomeOf(call);
    return Response.json(came);
  },
} satisfies ExportedHandler<Env>;

interface Outcome {
  what: string;
  message?: string;
  value?: number;
}

async function outcomeOf(call: () => Promise<unknown>): Promise<Outcome> {
  try {
    const value = await call();
    return { what: "done", ...(typeof value === "number" && { value }) };
  } catch (error) {
    const { message } = error as Error;
    return { what: isLockError(error) ? error.code : "another error", message };
  }
}
