import { env } from "cloudflare:workers";
import { type Lock, type Locks, bindLocks, createLock, createReadWriteLock, createSemaphore } from "../../src/index.ts";
import { faultyNamespace, losingFirstReplies } from "../support/faulty-namespace.ts";
import { connectOver } from "../support/http.ts";
import { memoryPrimitives } from "../support/memory-primitives.ts";
import { describeLock } from "./lock-contract.ts";

type LockMakers = Omit<Locks, "webLocks">;

/** The locks that the core alone makes; all of one id stand on the same primitives. */
function locksInMemory(): LockMakers {
  const known = new Map<string, ReturnType<typeof memoryPrimitives>>();
  const primitivesOf = (id: string) => {
    const primitives = known.get(id) ?? memoryPrimitives(id);
    known.set(id, primitives);
    return primitives;
  };
  return {
    lock: (id) => createLock(primitivesOf(id)),
    semaphore: (id, options) => createSemaphore(primitivesOf(id), options),
    readWriteLock: (id) => createReadWriteLock(primitivesOf(id)),
  };
}

const TRANSPORTS: Record<string, () => LockMakers> = {
  RPC: () => bindLocks(env.DURABLE_LOCK),
  "RPC that loses the first reply to everything": () => bindLocks(faultyNamespace(losingFirstReplies()).namespace),
  "HTTP to the service": () => connectOver(),
  "the core alone, in this process": locksInMemory,
};

const KINDS: Record<string, { capacity: number; of: (locks: LockMakers, id: string) => Lock }> = {
  "a mutex": { capacity: 1, of: ({ lock }, id) => lock(id) },
  "a reader": { capacity: Infinity, of: ({ readWriteLock }, id) => readWriteLock(id).read },
  "a writer": { capacity: 1, of: ({ readWriteLock }, id) => readWriteLock(id).write },
  "a semaphore of one": { capacity: 1, of: ({ semaphore }, id) => semaphore(id, { permits: 1 }) },
  "a semaphore of three": { capacity: 3, of: ({ semaphore }, id) => semaphore(id, { permits: 3 }) },
};

for (const [transport, locksOf] of Object.entries(TRANSPORTS))
  for (const [kind, { capacity, of }] of Object.entries(KINDS))
    describeLock(`${kind} over ${transport}`, {
      capacity,
      make: (id) => {
        const locks = locksOf();
        return { lock: of(locks, id), exclusive: locks.lock(id) };
      },
    });
