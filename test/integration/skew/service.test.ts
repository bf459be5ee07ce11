// Clients and command lines of two versions at services of two versions over one storage, all in real processes.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, it } from "node:test";
import { PROTOCOL } from "../../../src/core/protocol.ts";
import { Children } from "../../support/node/children.ts";
import { freePort } from "../../support/node/free-port.ts";
import { Server } from "../../support/node/workerd.ts";
import { type Package, today, unpackFirst } from "./packed.ts";

const TOKEN = "the-token-of-the-tests";

type ClientModule = typeof import("../../../src/client.ts");

let first: Package;
const clients = {} as Record<"first" | "today", ClientModule>;

before(async () => {
  first = unpackFirst();
  for (const [version, { dist }] of Object.entries({ first, today }))
    clients[version as "first" | "today"] = (await import(join(dist, "client.js"))) as ClientModule;
});

after(() => first?.[Symbol.dispose]());

/** The service of a version, on its own storage, which another version can take over. */
class Service implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "durable-locks-skew-"));
  readonly #children = new Children(this.folder);
  #server: Server | undefined;

  static async of({ dist }: Package): Promise<Service> {
    const service = new Service();
    service.#server = await Server.create(service.folder, service.#children, {
      worker: join(dist, "worker.js"),
      tokens: TOKEN,
      // The port stays the same after a deployment, as a client expects.
      port: await freePort(),
    });
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server?.port}`;
  }

  /** Replaces the objects by those of another version on the same storage, as a deployment does. */
  async deploy({ dist }: Package): Promise<void> {
    await this.#server?.kill();
    copyFileSync(join(dist, "worker.js"), join(this.folder, "worker.js"));
    await this.#server?.start();
  }

  lock(version: "first" | "today", id: string) {
    return clients[version].connectLocks({ url: this.url, token: TOKEN }).lock(id);
  }

  /** Runs the command line of a version. */
  async cli({ dist }: Package, ...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const env = { ...process.env, DURABLE_LOCKS_URL: this.url, DURABLE_LOCKS_TOKEN: TOKEN };
    const child = spawn(process.execPath, [join(dist, "cli.js"), ...args], { env });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
    return { code: child.exitCode, stdout, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#children[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

async function failureOf(call: Promise<unknown>): Promise<{ code?: string; message?: string }> {
  return call.then(
    () => ({}),
    (error: unknown) => error as { code?: string; message?: string },
  );
}

it("At the service of the first version, today's client gets VERSION_MISMATCH for every call and leaves no lease.", async () => {
  await using service = await Service.of(first);
  const lock = service.lock("today", "a");
  const calls = {
    acquire: () => lock.acquire(600_000),
    "acquire with wait": () => lock.acquire(600_000, { wait: 1_000 }),
    renew: () => lock.renew(1, 1_000),
    release: () => lock.release(1),
    isLocked: () => lock.isLocked(),
    status: () => lock.status(),
    hold: () => lock.hold({ ttl: 600_000 }),
    withLock: () => lock.withLock(() => "ran", { ttl: 600_000 }),
    tryWithLock: () => lock.tryWithLock(() => "ran", { ttl: 600_000 }),
    forceRelease: () => lock.forceRelease(),
    requestRelease: () => lock.requestRelease(),
    once: () => clients.today.once(lock, () => "ran"),
    lead: () => clients.today.lead(lock, () => "led"),
  };
  for (const [name, call] of Object.entries(calls)) {
    const { code, message } = await failureOf(Promise.resolve(call()));
    assert.equal(code, "VERSION_MISMATCH", name);
    assert.match(
      message ?? "",
      new RegExp(`This client speaks protocol ${PROTOCOL}, and the service at http://\\S+ speaks an older protocol`),
    );
    assert.match(message ?? "", /Update durable-locks in the service at/);
  }
  assert.equal(await service.lock("first", "a").isLocked(), false);
});

it("At the service of the first version, today's command line exits with 76 and runs no command.", async () => {
  await using service = await Service.of(first);
  const proof = join(service.folder, "proof");
  const ran = await service.cli(today, "run", "a", "--", "touch", proof);
  assert.equal(ran.code, 76, ran.stderr);
  assert.match(ran.stderr, /speaks an older protocol that has no number/);
  assert.equal(existsSync(proof), false);
  for (const command of ["status", "acquire", "force-release"]) {
    const { code, stderr } = await service.cli(today, command, "a");
    assert.equal(code, 76, `${command}: ${stderr}`);
  }
  assert.equal(await service.lock("first", "a").isLocked(), false);
});

it("Today's service serves the client and command line of the first version, as it serves curl.", async () => {
  await using service = await Service.of(today);
  const [old, own] = [service.lock("first", "a"), service.lock("today", "a")];
  await old.withLock(
    async ({ lease }) => {
      assert.deepEqual(
        (await own.status()).holders.map((holder) => holder.lease),
        [lease],
      );
      const taken = await own.acquire(1_000);
      assert.equal(taken.success ? "granted" : taken.reason, "BORROWED");
    },
    { wait: 0 },
  );
  assert.equal(await own.isLocked(), false);
  const held = await own.hold();
  assert.equal((await failureOf(old.withLock(() => "ran", { wait: 0 }))).code, "LOCK_TIMEOUT");
  const proof = join(service.folder, "proof");
  const refused = await service.cli(first, "run", "a", "--wait", "0", "--", "touch", proof);
  assert.equal(refused.code, 75, refused.stderr);
  assert.equal(existsSync(proof), false);
  await held.release();
  const ran = await service.cli(first, "run", "a", "--", "touch", proof);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(existsSync(proof), true);
  assert.equal(await own.isLocked(), false);
});

it("A live lease of the first version survives the deployment of today's: others are refused, and its holder goes on.", async () => {
  await using service = await Service.of(first);
  const held = await service.lock("first", "a").acquire(600_000, { owner: "holder" });
  assert.ok(held.success);
  const shared = await service.lock("first", "b").acquire(600_000, { permits: 2, capacity: 3 });
  assert.ok(shared.success);
  assert.equal(await clients.first.once(service.lock("first", "c"), () => "ran"), "ran");
  await service.deploy(today);
  const lock = service.lock("today", "a");
  const second = await lock.acquire(1_000);
  assert.equal(second.success ? "granted" : second.reason, "BORROWED");
  assert.deepEqual(
    (await lock.status()).holders.map(({ lease, owner }) => [lease, owner]),
    [[held.lease, "holder"]],
  );
  const semaphore = service.lock("today", "b");
  const more = await semaphore.acquire(1_000, { permits: 2, capacity: 3 });
  assert.equal(more.success ? "granted" : more.reason, "BORROWED");
  assert.ok((await semaphore.acquire(1_000, { permits: 1, capacity: 3 })).success);
  assert.equal(await clients.today.once(service.lock("today", "c"), () => "ran again"), "ran");
  assert.ok((await lock.renew(held.lease, 600_000)).success);
  assert.equal(await lock.release(held.lease), true);
  const next = await lock.acquire(1_000);
  assert.ok(next.success && next.lease > held.lease);
});

it("A hold of today's client whose renewal meets the service of the first version is not lost and goes on.", async () => {
  await using service = await Service.of(today);
  const held = await service.lock("today", "a").hold({ ttl: 60_000 });
  await service.deploy(first);
  const { code } = await failureOf(held.renew());
  assert.equal(code, "VERSION_MISMATCH");
  assert.equal(held.isLost(), false);
  await service.deploy(today);
  await held.renew();
  assert.equal(await held.release(), true);
});
