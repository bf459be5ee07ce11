import { type Contestant, type Held, type Stub, TTL } from "./contestant.ts";

interface Reply {
  success: boolean;
  lease: number;
}

/** This library's object, called with its plain `fetch` requests. A waiting request is parked at the object. */
export function plainFetchContestant(stubOf: (id: string) => Stub): Contestant {
  let requests = 0;
  const ask = async (id: string, path: string, signal?: AbortSignal): Promise<Reply> => {
    requests += 1;
    const response = await stubOf(id).fetch(`http://lock${path}`, signal ? { signal } : {});
    return response.json();
  };
  const heldBy = (id: string, lease: number): Held => ({
    release: () => ask(id, `/release?lease=${lease}`),
    renew: () => ask(id, `/renew?ttl=${TTL}&lease=${lease}`),
  });
  return {
    async tryOnce(id) {
      const { success, lease } = await ask(id, `/acquire?ttl=${TTL}`);
      return success ? heldBy(id, lease) : undefined;
    },
    async wait(id, signal) {
      const path = `/acquire?ttl=${TTL}&wait=25000&requestId=${crypto.randomUUID()}`;
      for (;;) {
        const { success, lease } = await ask(id, path, signal);
        if (success) return heldBy(id, lease);
      }
    },
    requests: () => requests,
  };
}
