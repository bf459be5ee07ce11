import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A request, and the size of its answer. */
interface Recorded {
  asked: string;
  bytes: number;
}

/** Forwards every request to a service, and records the requests and the sizes of their answers. */
export async function recording(url: string): Promise<AsyncDisposable & { url: string; requests: Recorded[] }> {
  const requests: Recorded[] = [];
  const server = createServer(async (request, response) => {
    const headers = { ...(request.headers as Record<string, string>) };
    // These headers belong to this connection, not to the next one.
    for (const name of ["host", "connection", "content-length", "transfer-encoding"]) delete headers[name];
    const chunks = await request.toArray();
    const body = chunks.length > 0 ? Buffer.concat(chunks as Buffer[]) : undefined;
    const { method = "GET", url: path = "/" } = request;
    const recorded = { asked: `${method} ${path.replace(/^.*\//, "").replace(/\?.*/, "")}`, bytes: 0 };
    requests.push(recorded);
    try {
      const answer = await fetch(url + path, { method, headers, ...(body && { body }) });
      const text = await answer.text();
      recorded.bytes = text.length;
      const passed = [...answer.headers].filter(
        ([name]) => !["content-length", "content-encoding", "connection", "transfer-encoding"].includes(name),
      );
      response.writeHead(answer.status, Object.fromEntries(passed)).end(text);
    } catch {
      response.destroy();
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
