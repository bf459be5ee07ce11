import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** One answer of a service. */
interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** How a service answers: always the same, or one by one. */
export type Answering = Answer | (() => Answer);

/** A service that does nothing but answer. */
export async function answering(answer: Answering): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((_request, response) => {
    const { status, headers, body } = typeof answer === "function" ? answer() : answer;
    response.writeHead(status, headers).end(body);
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
