import { inject } from "vitest";
import { type Lock, connectLocks, createLock, createReadWriteLock, createSemaphore } from "../../../src/client.ts";
import type { LockPrimitives } from "../../../src/transport/primitives.ts";
import { describeLock } from "../../contract/lock-contract.ts";

const connection = connectLocks({ url: inject("url"), token: inject("token") });

const KINDS: Record<string, { capacity: number; of: (primitives: LockPrimitives) => Lock }> = {
  "a mutex": { capacity: 1, of: createLock },
  "a reader": { capacity: Infinity, of: (primitives) => createReadWriteLock(primitives).read },
  "a writer": { capacity: 1, of: (primitives) => createReadWriteLock(primitives).write },
  "a semaphore of three": { capacity: 3, of: (primitives) => createSemaphore(primitives, { permits: 3 }) },
};

for (const [kind, { capacity, of }] of Object.entries(KINDS))
  describeLock(`${kind} over HTTP against a local service`, {
    capacity,
    make: (id) => {
      const { primitives } = connection.lock(id);
      return { lock: of(primitives), exclusive: createLock(primitives) };
    },
  });
