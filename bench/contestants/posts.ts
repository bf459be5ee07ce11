import { Agent, request } from "node:http";
import { json } from "node:stream/consumers";
import type { IncomingMessage } from "node:http";
import { type Contestant, TTL } from "./contestant.ts";

/** A lock service, called with plain requests of Node: a client that costs as little as possible. */
export function postsContestant(url: string, token: string): Contestant {
  const agent = new Agent({ keepAlive: true });
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  const post = async (path: string, body: object): Promise<{ lease?: number }> => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request(`${url}${path}`, { method: "POST", agent, headers }, resolve).on("error", reject).end(JSON.stringify(body));
    const response = await promise;
    const answer = (await json(response)) as { lease?: number };
    if (response.statusCode !== 200) throw new Error(`${path} answered ${response.statusCode}.`);
    return answer;
  };
  const tryOnce = async (id: string) => {
    const { lease = 0 } = await post(`/v1/locks/${id}/acquire`, { ttl: TTL });
    return { release: () => post(`/v1/locks/${id}/release`, { lease }) };
  };
  return { tryOnce, wait: tryOnce, requests: () => undefined };
}
