import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { connectLocks } from "../../../src/client.ts";
import { FaultProxy } from "../../support/node/fault-proxy.ts";
import { freePort } from "../../support/node/free-port.ts";
import { NARROW, startService, TOKEN } from "../../support/node/service.ts";
import { failureOf, freshId, outcome } from "../../support/outcome.ts";

const soon = { timeout: 20_000, interval: 50 };

const lockOf = (id: string, { url }: { url: string }, token = TOKEN) => connectLocks({ url, token }).lock(id);

describe.concurrent("A service that dies and comes back", () => {
  it("G1, G5: A hold survives the death of the service with the same lease, which is renewed and shared with no one.", async () => {
    await using service = await startService();
    const id = freshId();
    const held = await lockOf(id, service).hold({ ttl: 15_000 });
    await service.server.kill();
    await service.server.start();
    const { deadline } = held;
    expect(await lockOf(id, service).acquire(1_000)).toMatchObject({ success: false, reason: "BORROWED" });
    await vi.waitFor(() => expect(held.deadline).toBeGreaterThan(deadline), soon);
    expect(held.isLost()).toBe(false);
    expect(await held.release()).toBe(true);
  });

  it("A waiter stays in the queue through the death of the service and gets the lock when it is released.", async () => {
    await using service = await startService();
    const id = freshId();
    const held = await lockOf(id, service).hold({ ttl: 15_000 });
    const waiting = outcome(lockOf(id, service).withLock(({ lease }) => lease, { wait: 20_000 }));
    await vi.waitFor(async () => expect((await lockOf(id, service).status()).waiters).toHaveLength(1), soon);
    await service.server.kill();
    await service.server.start();
    await vi.waitFor(async () => expect((await lockOf(id, service).status()).waiters).toHaveLength(1), soon);
    await held.release();
    expect((await waiting).value).toBeGreaterThan(held.lease);
  });

  it("A call that starts while the service is down succeeds if the service is soon back.", async () => {
    await using service = await startService();
    const { server } = service;
    await server.kill();
    const taken = outcome(lockOf(freshId(), service).acquire(60_000));
    await server.start();
    expect(await taken).toMatchObject({ value: { success: true } });
  });

  it("If the service stays down, a call fails with UNREACHABLE and never reports that the lock is taken.", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const lock = lockOf(freshId(), { url });
    for (const error of [await failureOf(lock.acquire(1_000)), await failureOf(lock.withLock(() => {}, { wait: 1 }))]) {
      expect(error).toMatchObject({ code: "UNREACHABLE", message: expect.stringContaining(url) });
      expect((error as Error).message).toContain("ECONNREFUSED");
    }
  });

  it("G11: The loss of a lease during an outage says what the last renewal met.", async () => {
    await using service = await startService();
    const held = await lockOf(freshId(), service).hold({ ttl: 4_000 });
    await service.server.kill();
    await once(held.signal, "abort");
    expect(held.signal.reason).toMatchObject({ why: "unreachable", message: expect.stringContaining("ECONNREFUSED") });
    expect((held.signal.reason as Error).cause).toBeInstanceOf(Error);
  });
});

describe.concurrent("An address without a service", () => {
  it("G11: If no machine has the name of the address, the error says ENOTFOUND.", async () => {
    const error = await failureOf(lockOf("a", { url: "https://nowhere.invalid" }).status());
    expect(error).toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringMatching(/nowhere\.invalid: .*(ENOTFOUND|EAI_AGAIN)/),
    });
  });

  it("G11: A self-signed certificate makes single calls and acquires fail at once.", async () => {
    const pem = readFileSync(join(import.meta.dirname, "../../support/fixtures/self-signed.pem"));
    let connections = 0;
    const server = createServer({ key: pem, cert: pem }).listen(0, "127.0.0.1");
    server.on("connection", () => (connections += 1));
    await once(server, "listening");
    const lock = lockOf("a", { url: `https://localhost:${(server.address() as AddressInfo).port}` });
    for (const call of [() => lock.status(), () => lock.withLock(() => {})])
      expect(await failureOf(call())).toMatchObject({
        code: "UNREACHABLE",
        message: expect.stringContaining("DEPTH_ZERO_SELF_SIGNED_CERT"),
      });
    // One connection for the status, one for the acquire, one to take the acquire back.
    expect(connections).toBe(3);
    server.close();
  });
});

describe.concurrent("A service that hangs", () => {
  it("G6: If the service hangs, the signal fires before the lease can pass on.", async () => {
    await using service = await startService();
    const held = await lockOf(freshId(), service).hold({ ttl: 10_000 });
    service.server.signal("SIGSTOP");
    await once(held.signal, "abort");
    // The client and the object share one machine, and so one clock.
    expect(Date.now()).toBeLessThan(held.deadline);
    expect(held.signal.reason).toMatchObject({ code: "LEASE_LOST", why: "unreachable" });
  });

  it("If the service hangs, a new hold fails in time and leaves no lease behind.", async () => {
    await using service = await startService();
    const id = freshId();
    service.server.signal("SIGSTOP");
    const failure = await failureOf(lockOf(id, service).hold({ ttl: 3_000, wait: 0 }));
    service.server.signal("SIGCONT");
    expect(failure).toMatchObject({ code: "UNREACHABLE" });
    await vi.waitFor(async () => expect(await lockOf(id, service).isLocked()).toBe(false), soon);
  });
});

describe.concurrent("A network that cuts", () => {
  it("G5: A call whose reply was cut off does not take effect twice.", async () => {
    await using service = await startService();
    await using gateway = await FaultProxy.to(service.url);
    const id = freshId();
    const lock = lockOf(id, gateway);
    gateway.arm("cut mid-reply", 2);
    const taken = await lock.acquire(60_000);
    if (!taken.success) throw new Error(taken.reason);
    expect((await lockOf(id, service).status()).holders).toMatchObject([{ lease: taken.lease }]);
    gateway.arm("cut mid-reply", 1);
    expect(await lock.renew(taken.lease, 60_000)).toMatchObject({ success: true, lease: taken.lease });
    gateway.arm("cut mid-reply", 1);
    expect(await lock.release(taken.lease)).toBe(true);
    expect(gateway.cuts).toBe(4);
    expect(await lockOf(id, service).isLocked()).toBe(false);
  });

  it("G8: Refusals, problems and grants leave their connection free for the next call.", async () => {
    await using service = await startService();
    await using gateway = await FaultProxy.to(service.url);
    const id = freshId();
    const lock = lockOf(id, gateway);
    const held = await lock.hold({ ttl: 60_000 });
    for (let n = 0; n < 50; n += 1) {
      expect(await lock.acquire(1_000)).toMatchObject({ reason: "BORROWED" });
      expect(await lock.renew(1, 1_000)).toMatchObject({ reason: "NO_LONGER_VALID" });
      expect(await failureOf(lockOf(id, gateway, "nobody-knows-this").isLocked())).toMatchObject({
        code: "ACCESS_DENIED",
      });
    }
    await held.release();
    // The keep-alive of either end may close a connection now and then; 152 would be one per call.
    expect(gateway.connections).toBeLessThan(20);
  });
});

describe.concurrent("Access", () => {
  it("A token may do no more than it was given, and does not appear in any error.", async () => {
    await using service = await startService();
    const mine = lockOf("mine/one", service, NARROW);
    expect(await mine.withLock(() => "done")).toBe("done");
    const errors = [
      await failureOf(mine.forceRelease()),
      await failureOf(lockOf("others/one", service, NARROW).acquire(1_000)),
      await failureOf(lockOf("others/one", service, NARROW).isLocked()),
      await failureOf(lockOf("mine/one", service, "nobody-knows-this").acquire(1_000)),
    ];
    for (const error of errors) {
      expect(error).toMatchObject({ code: "ACCESS_DENIED" });
      expect(`${error} ${JSON.stringify(error)} ${(error as Error).stack}`).not.toMatch(/nobody-knows|only-a-few/);
    }
  });

  it("A service without tokens refuses everything and says how to configure them.", async () => {
    await using closed = await startService("");
    const failure = await failureOf(lockOf("a", closed).acquire(1_000));
    expect(failure).toMatchObject({ code: "UNREACHABLE", message: expect.stringContaining("TOKENS") });
  });
});
