import { once } from "node:events";
import { createServer } from "node:net";

/**
 * A port on which no program listens, and on which a killed program can listen again.
 *
 * The port is below those that Linux and macOS give to outgoing connections: such a connection could take the port
 * while the program is down.
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
