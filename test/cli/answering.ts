import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PROTOCOL } from "../../src/core/protocol.ts";
import { PROTOCOL_HEADER } from "../../src/wire/protocol.ts";

/** One answer of a service. */
interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** The answers of a service: always the same one, or one for each request. */
export type Answering = Answer | (() => Answer | Promise<Answer>);

/** A service that gives only these answers. */
export async function answering(answer: Answering): Promise<AsyncDisposable & { url: string }> {
  const server = createServer(async (_request, response) => {
    const { status, headers, body } = typeof answer === "function" ? await answer() : answer;
    response.writeHead(status, { ...headers, [PROTOCOL_HEADER]: String(PROTOCOL) }).end(body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
