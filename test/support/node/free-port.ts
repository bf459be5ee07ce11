import { once } from "node:events";
import { createServer } from "node:net";

/**
 * A port where nobody listens, and where a program that is killed can listen again.
 *
 * Below those that Linux and macOS give to outgoing connections: such a connection could take the port while its
 * program is down.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const server = createServer();
    const isFree = Promise.race([once(server, "listening").then(() => true), once(server, "error").then(() => false)]);
    server.listen(port, "127.0.0.1");
    if (!(await isFree)) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
