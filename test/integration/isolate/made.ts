// Makes everything that can be made at module level, in the global scope of a Worker. There the runtime forbids
// drawing a random number, setting a timer or sending a request.
import { env } from "cloudflare:workers";
import {
  type Lock,
  type ReadWriteLock,
  type Semaphore,
  type WebLockManager,
  fenceD1,
  fenceHeaders,
  fenceR2,
  useBarrier,
  useDurableLock,
  useLatch,
  useReadWriteLock,
  useSemaphore,
  verifyFence,
  webLocks,
} from "durable-locks";
import { connectLocks } from "durable-locks/client";
import { createLockService } from "durable-locks/service";

export const TOKEN = "a-token-for-the-tests";
export const connection = connectLocks({ url: "https://locks.example", token: TOKEN, fetch: env.LOCKS });

const made = {
  "over RPC": {
    lock: useDurableLock(env.DURABLE_LOCK, "made"),
    semaphore: useSemaphore(env.DURABLE_LOCK, "made:semaphore", { permits: 2 }),
    readWriteLock: useReadWriteLock(env.DURABLE_LOCK, "made:pages"),
    manager: webLocks(env.DURABLE_LOCK, { ttl: 10_000, releaseOnExit: true }),
  },
  "over HTTP": {
    lock: connection.lock("made"),
    semaphore: connection.semaphore("made:semaphore", { permits: 2 }),
    readWriteLock: connection.readWriteLock("made:pages"),
    manager: connection.webLocks({ ttl: 10_000 }),
  },
};
const latch = useLatch(env.DURABLE_RENDEZVOUS, "made", { count: 1 });
const barrier = useBarrier(env.DURABLE_RENDEZVOUS, "made", { parties: 1 });
const service = createLockService({ lock: env.DURABLE_LOCK, tokens: TOKEN });
const fence = fenceHeaders("made", 1);

/** Uses everything that was made, and returns the outcomes. */
export async function useAll(): Promise<Record<string, unknown>> {
  const used: Record<string, unknown> = {};
  for (const [how, locks] of Object.entries(made)) used[how] = await useLocks(locks);
  const asked = new Request("https://locks.example/v1/locks/made", { headers: { Authorization: `Bearer ${TOKEN}` } });
  await latch.countDown({ requestId: "once" });
  await latch.wait();
  used["a latch"] = await latch.remaining();
  used["a barrier"] = (await barrier.arrive()).index;
  used["a service"] = (await service.fetch(asked)).status;
  used["a fence of HTTP"] = (await verifyFence(new Headers(fence), (_, lease) => lease)).lease;
  used["a fence of D1"] = (await fenceD1(env.DB, "made", 1, [env.DB.prepare("SELECT 1 AS one")])).length;
  used["a fence of R2"] = (await fenceR2(env.BUCKET, "made", 1, "made")).key;
  return used;
}

interface Locks {
  lock: Lock;
  semaphore: Semaphore;
  readWriteLock: ReadWriteLock;
  manager: WebLockManager;
}

async function useLocks({ lock, semaphore, readWriteLock, manager }: Locks): Promise<unknown[]> {
  return [
    await lock.withLock(() => "lock"),
    await semaphore.withLock(() => "semaphore"),
    await readWriteLock.read.withLock(() => "reader"),
    await readWriteLock.write.withLock(() => "writer"),
    await manager.request("made:web", () => "web lock"),
    (await manager.query()).held.length,
  ];
}
