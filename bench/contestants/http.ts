import type { connectLocks } from "../../src/client.ts";
import type { Contestant } from "./contestant.ts";
import { libraryContestant } from "./library.ts";

/** The lock service that this library's client talks to, and the client: a bundle of one version of it. */
export interface HttpSetting {
  client: string;
  url: string;
  token: string;
}

/** This library over HTTP, from a process. */
export async function httpContestant({ client, url, token }: HttpSetting): Promise<Contestant> {
  const { connectLocks: connect } = (await import(client)) as { connectLocks: typeof connectLocks };
  let requests = 0;
  const counted: typeof fetch = (input, init) => {
    requests += 1;
    return fetch(input, init);
  };
  const locks = connect({ url, token, fetch: counted });
  return libraryContestant(locks.lock, () => requests);
}
