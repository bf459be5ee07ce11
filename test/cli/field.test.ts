// Replays of what users of other programs reported. docs/correctness.md lists them: "Bugs of others, tried here".
import assert from "node:assert/strict";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { Journal } from "./journal.ts";
import { until } from "./program.ts";
import { DevService } from "./service.ts";

/** With room for renewals on a busy machine. */
const TTL = ["--ttl", "6s"];

/** A connection to a service that can be cut: then nothing arrives in either direction, and neither side learns why. */
class Cable implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect(port, "127.0.0.1");
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on("data", (chunk) => this.#isCut || to.write(chunk));
        from.on("close", () => this.#isCut || to.destroy());
        from.on("error", () => {});
      }
    });
  }

  static async to(port: number): Promise<Cable> {
    const cable = new Cable(port);
    await new Promise<void>((resolve) => cable.#server.listen(0, "127.0.0.1", resolve));
    return cable;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#isCut = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe("consul lock", { concurrency: 2 }, () => {
  let service: DevService;
  before(async () => {
    service = await DevService.start();
  });
  after(() => service[Symbol.asyncDispose]());

  const isLocked = async (id: string): Promise<boolean> => {
    const { stdout } = await service.run(["status", id, "--json"]).exit;
    return (JSON.parse(stdout) as { locked: boolean }).locked;
  };

  describe("hashicorp/consul#9788", () => {
    test("A command whose node is cut off from the service has ended before the lock passes on to another node.", async () => {
      await using cable = await Cable.to(service.port);
      const journal = new Journal(service.folder, "cut-off");
      const first = service.run(["run", "cut-off", ...TTL, "--url", cable.url, "--", ...journal.command("SIGTERM")]);
      await journal.begun(first);
      const second = service.run(["run", "cut-off", ...TTL, "--", ...journal.command()]);
      await second.until("the second waits", () => second.stderr.includes("place 1 of 1"));
      cable.cut();
      await journal.begun(second, 2);
      journal.stop();
      assert.equal((await second.exit).code, 0);
      assert.equal(journal.overlaps(), false);
      assert.ok(journal.heard("SIGTERM"), "was asked to end before it was killed");
      assert.equal((await first.exit).code, 79);
    });
  });

  describe("hashicorp/consul#2022", () => {
    test("A command that a shell has started does not survive the loss of the lock.", async () => {
      const journal = new Journal(service.folder, "shell");
      const first = service.run(["run", "shell", ...TTL, "--", ...journal.grandchild("SIGTERM")]);
      await journal.begun(first);
      await service.run(["force-release", "shell"]).exit;
      assert.equal((await first.exit).code, 79);
      const left = journal.entries().length;
      const second = service.run(["run", "shell", ...TTL, "--", ...journal.command()]);
      await journal.begun(second, 2);
      const [lease] = journal.leases();
      assert.equal(journal.entries().filter((entry) => entry.lease === lease).length, left);
      journal.stop();
      assert.equal((await second.exit).code, 0);
    });
  });

  describe("hashicorp/consul#2489", () => {
    test("After a signal, either the command and run are both gone and the lock is free, or neither is.", async () => {
      for (const signal of ["SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP"] as const) {
        const journal = new Journal(service.folder, `signalled-${signal}`);
        const run = service.run(["run", signal, ...TTL, "--", ...journal.command()]);
        await journal.begun(run);
        run.signal(signal);
        const seen = journal.entries().length;
        let hasEnded = false;
        void run.exit.then(() => (hasEnded = true));
        await until("it has ended, or goes on", () => hasEnded || journal.entries().length > seen + 50);
        const last = journal.entries().length;
        assert.equal(await isLocked(signal), !hasEnded);
        if (hasEnded) assert.equal(journal.entries().length, last);
        journal.stop();
        await run.exit;
      }
    });
  });
});
