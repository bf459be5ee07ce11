import { env } from "cloudflare:workers";
import { connectLocks } from "../../src/client.ts";
import { type Lock, type LockPrimitives, createLock, createReadWriteLock, createSemaphore } from "../../src/index.ts";
import { createLockService } from "../../src/service.ts";
import { rpcPrimitives } from "../../src/transport/rpc/rpc-primitives.ts";
import { faultyNamespace, losingFirstReplies } from "../support/faulty-namespace.ts";
import { memoryPrimitives } from "../support/memory-primitives.ts";
import { describeLock } from "./lock-contract.ts";

const TOKEN = "the-token-of-the-contract";
const service = createLockService({ lock: env.DURABLE_LOCK, tokens: TOKEN });
const connection = connectLocks({
  url: "https://locks.example",
  token: TOKEN,
  fetch: async (url, init) => service.fetch(new Request(url, init)),
});

const TRANSPORTS: Record<string, (id: string) => LockPrimitives> = {
  RPC: (id) => rpcPrimitives(env.DURABLE_LOCK, id),
  "RPC that loses the first reply to everything": (id) =>
    rpcPrimitives(faultyNamespace(losingFirstReplies()).namespace, id),
  "HTTP to the service": (id) => connection.lock(id).primitives,
  "the core alone, in this process": memoryPrimitives,
};

const KINDS: Record<string, { capacity: number; of: (primitives: LockPrimitives) => Lock }> = {
  "a mutex": { capacity: 1, of: createLock },
  "a reader": { capacity: Infinity, of: (primitives) => createReadWriteLock(primitives).read },
  "a writer": { capacity: 1, of: (primitives) => createReadWriteLock(primitives).write },
  "a semaphore of one": { capacity: 1, of: (primitives) => createSemaphore(primitives, { permits: 1 }) },
  "a semaphore of three": { capacity: 3, of: (primitives) => createSemaphore(primitives, { permits: 3 }) },
};

for (const [transport, primitivesOf] of Object.entries(TRANSPORTS))
  for (const [kind, { capacity, of }] of Object.entries(KINDS))
    describeLock(`${kind} over ${transport}`, {
      capacity,
      make: (id) => {
        const primitives = primitivesOf(id);
        return { lock: of(primitives), exclusive: createLock(primitives) };
      },
    });
