import { Mutex } from "async-mutex";
import type { Contestant, Held } from "./contestant.ts";

/** async-mutex. It locks within one process, so it shows what locking costs without any network or storage. */
export function asyncMutexContestant(): Contestant {
  const mutexes = new Map<string, Mutex>();
  const mutexOf = (id: string): Mutex => {
    const mutex = mutexes.get(id) ?? new Mutex();
    mutexes.set(id, mutex);
    return mutex;
  };
  const taken = async (id: string): Promise<Held> => {
    const release = await mutexOf(id).acquire();
    return { release: async () => release() };
  };
  return {
    tryOnce: async (id) => (mutexOf(id).isLocked() ? undefined : taken(id)),
    wait: (id) => taken(id),
    withLock: (id, work) => mutexOf(id).runExclusive(work),
    requests: () => undefined,
  };
}
