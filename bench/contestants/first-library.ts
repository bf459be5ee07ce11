import { type Contestant, type Held, type Stub, TTL } from "./contestant.ts";

/** How long a caller of the first library waits before it asks again. That library leaves the loop to its users. */
const POLL_EVERY = 50;

/** The first library's way: plain requests, and callers that poll. */
export function firstLibraryContestant(stubOf: (id: string) => Stub): Contestant {
  let requests = 0;
  const ask = async <T>(id: string, path: string): Promise<T> => {
    requests += 1;
    return (await stubOf(id).fetch(`http://lock${path}`)).json();
  };
  const tryOnce = async (id: string): Promise<Held | undefined> => {
    const { success, lease } = await ask<{ success: boolean; lease: number }>(id, `/acquire?ttl=${TTL}`);
    if (!success) return undefined;
    return {
      release: () => ask(id, `/release?lease=${lease}`),
      renew: () => ask(id, `/acquire?ttl=${TTL}&lease=${lease}`),
    };
  };
  return {
    tryOnce,
    async wait(id, signal) {
      for (;;) {
        const held = await tryOnce(id);
        if (held) return held;
        await new Promise((resolve) => setTimeout(resolve, POLL_EVERY));
        signal.throwIfAborted();
      }
    },
    requests: () => requests,
  };
}
