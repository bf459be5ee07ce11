// `dev`: the service on this machine.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { findWorkerd } from "../../src/cli/dev/workerd.ts";
import { isGroupAlive } from "../../src/cli/supervisor/process-group.ts";
import type { Failure } from "../../src/cli/terminal/exit-codes.ts";
import { freePort } from "../support/node/free-port.ts";
import { Program, until } from "./program.ts";
import { DevService } from "./service.ts";

describe("dev", { concurrency: 2 }, () => {
  test("After Ctrl-C, dev exits with 0 and leaves no workerd; only the owner can read the token file.", async () => {
    await using service = await DevService.start();
    assert.equal(statSync(join(service.storage, "token")).mode & 0o777, 0o600);
    service.program.signal("SIGINT");
    assert.equal((await service.program.exit).code, 0);
    assert.equal(isGroupAlive(service.workerd), false);
  });

  test("After kill -9, dev leaves no workerd, and a new dev on its storage knows the live leases.", async () => {
    await using service = await DevService.start();
    const { stdout } = await service.run(["acquire", "kept", "--ttl", "1m"]).exit;
    const { workerd } = service;
    service.program.signal("SIGKILL");
    await service.program.exit;
    await service.restart();
    assert.equal(isGroupAlive(workerd), false);
    const lease = stdout.trim();
    assert.equal((await service.run(["acquire", "kept"]).exit).code, 75);
    assert.equal((await service.run(["release", "kept", lease]).exit).code, 0);
  });

  test("Without a terminal, as under nohup, SIGHUP ends neither dev nor its workerd.", async () => {
    await using service = await DevService.start();
    service.program.signal("SIGHUP");
    service.signal("SIGHUP");
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { status } = await fetch(`${service.url}/openapi.json`);
    assert.equal(status, 200);
    service.program.signal("SIGTERM");
    assert.equal((await service.program.exit).code, 0);
  });

  test("dev takes a token that you wrote into the file yourself, and closes the file to others.", async () => {
    const storage = mkdtempSync(join(tmpdir(), "durable-locks-token-"));
    const port = await freePort();
    const token = "a-token-that-i-chose";
    writeFileSync(join(storage, "token"), `${token}\n`, { mode: 0o644 });
    const dev = new Program(["dev", "--port", String(port), "--dir", storage]);
    try {
      const url = `http://127.0.0.1:${port}/v1/locks/x`;
      const statusOf = async () => (await fetch(url, { headers: { Authorization: `Bearer ${token}` } })).status;
      await until("the service answers", async () => (await statusOf().catch(() => 0)) === 200);
      assert.equal(statSync(join(storage, "token")).mode & 0o777, 0o600);
    } finally {
      dev.signal("SIGINT");
      await dev.exit;
      rmSync(storage, { recursive: true, force: true });
    }
  });

  test("dev listens to this machine only, and requires the token.", async () => {
    await using service = await DevService.start();
    const { status } = await fetch(`http://127.0.0.1:${service.port}/v1/locks/x`);
    assert.equal(status, 401);
    await assert.rejects(fetch(`http://127.0.0.2:${service.port}/`));
  });

  test("dev takes the jurisdiction and location hint of the deployed service, which change nothing on this machine.", async () => {
    await using service = await DevService.start();
    const { stdout } = await service.run(["acquire", "placed", "--ttl", "1m"]).exit;
    service.program.signal("SIGINT");
    await service.program.exit;
    await service.restart(["--jurisdiction", "eu", "--location-hint", "weur"]);
    assert.equal((await service.run(["release", "placed", stdout.trim()]).exit).code, 0);
  });

  test("Two dev processes don't share a storage.", async () => {
    await using service = await DevService.start();
    const other = new Program(["dev", "--port", String(await freePort()), "--dir", service.storage]);
    const { code, stderr } = await other.exit;
    assert.equal(code, 78);
    assert.match(stderr, /in use by process/);
  });

  test("If the port is in use, dev exits with 78 and says what to do.", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const folder = mkdtempSync(join(tmpdir(), "durable-locks-cli-"));
    const { code, stderr } = await new Program(["dev", "--port", String(port), "--dir", join(folder, "state")]).exit;
    server.close();
    rmSync(folder, { recursive: true });
    assert.equal(code, 78);
    assert.match(stderr, /in use: choose another with --port/);
  });

  test("Without wrangler or miniflare, dev fails with 78 and says what to install.", () => {
    const empty = mkdtempSync(join(tmpdir(), "durable-locks-cli-"));
    const fits = ({ exitCode, message }: Failure) =>
      exitCode === 78 && message.includes("npm install --save-dev wrangler");
    assert.throws(() => findWorkerd([empty]), fits);
    assert.ok(findWorkerd([empty, import.meta.dirname]));
    rmSync(empty, { recursive: true });
  });

  test("If its workerd dies, dev ends with 70.", async () => {
    await using service = await DevService.start();
    await service.kill();
    assert.equal((await service.program.exit).code, 70);
    await until("nothing is left", () => !isGroupAlive(service.workerd));
  });
});
