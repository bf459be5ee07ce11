import { Mutex } from "redis-semaphore";
import { type Contestant, TTL } from "./contestant.ts";
import { CountedRedis } from "./redis.ts";

/** redis-semaphore's `Mutex`, with its defaults: it tries every 10 ms. It renews by itself; its users can't. */
export function redisSemaphoreContestant(port: number): Contestant {
  const redis = new CountedRedis(port);
  const mutexOf = (key: string, limit = {}) => new Mutex(redis.client, key, { lockTimeout: TTL, ...limit });
  return {
    async tryOnce(key) {
      const mutex = mutexOf(key, { acquireAttemptsLimit: 1 });
      return (await mutex.tryAcquire()) ? mutex : undefined;
    },
    async wait(key, signal) {
      const mutex = mutexOf(key);
      await mutex.acquire(signal);
      return mutex;
    },
    requests: () => redis.commands,
  };
}
