import { IoredisAdapter, LockAcquisitionError, type LockHandle, type RedisLock, createLock } from "redlock-universal";
import { type Contestant, type Held, TTL } from "./contestant.ts";
import { CountedRedis } from "./redis.ts";

/** redlock-universal on one Redis, with its defaults: it tries four times, 100 ms apart. */
export function redlockContestant(port: number): Contestant {
  const redis = new CountedRedis(port);
  const adapter = new IoredisAdapter(redis.client);
  const heldBy = (lock: RedisLock, handle: LockHandle): Held => ({
    release: () => lock.release(handle),
    renew: () => lock.extend(handle, TTL),
  });
  /** Undefined if all tries found the lock taken. */
  const acquired = async (lock: RedisLock): Promise<Held | undefined> => {
    try {
      return heldBy(lock, await lock.acquire());
    } catch (error) {
      if (error instanceof LockAcquisitionError) return undefined;
      throw error;
    }
  };
  const lockOf = (key: string) => createLock({ adapter, key, ttl: TTL });
  return {
    tryOnce: (key) => acquired(createLock({ adapter, key, ttl: TTL, retryAttempts: 0 })),
    async wait(key, signal) {
      const lock = lockOf(key);
      for (;;) {
        const held = await acquired(lock);
        if (held) return held;
        signal.throwIfAborted();
      }
    },
    withLock: (key, work) => lockOf(key).using(work),
    requests: () => redis.commands,
  };
}
