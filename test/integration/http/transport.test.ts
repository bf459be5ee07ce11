import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { connectLocks, once } from "../../../src/client.ts";
import { createLockService } from "../../../src/service.ts";
import { problemOf } from "../../../src/wire/problem.ts";
import { type Way, connectOver } from "../../support/http.ts";
import { failureOf, freshId, leaseOf, lockOf } from "../../support/locks.ts";
import { countTimers } from "../../support/timers.ts";
import { PROTOCOL } from "../../../src/core/protocol.ts";
import { PROTOCOL_HEADER } from "../../../src/wire/protocol.ts";

const always =
  (answer: () => Response | Promise<Response>): Way =>
  async () =>
    answer();
const html = (status: number) => new Response("<html>", { status, headers: { "Content-Type": "text/html" } });

/** The first answer to each kind of request is lost after the service did its work. */
function losingFirst(lose: (answer: Response) => Response): Way {
  const seen = new Set<string>();
  return async (request, serve) => {
    const kind = new URL(request.url).pathname;
    const answer = await serve(request);
    if (seen.has(kind)) return answer;
    seen.add(kind);
    return lose(answer);
  };
}

const cut = () => {
  throw new TypeError("fetch failed");
};
const truncated = (answer: Response) =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"lea'));
        controller.error(new TypeError("terminated"));
      },
    }),
    answer,
  );

describe.concurrent("Calls over HTTP", () => {
  it.each([
    ["a connection that is cut before the answer", cut],
    ["an answer that breaks off", truncated],
    ["a proxy that gives up after the service did its work", () => html(504)],
    ["a proxy that limits the rate", () => html(429)],
  ])("G5: A call is repeated with the same request id after %s, and has no second effect.", async (_name, lose) => {
    const id = freshId();
    const { lock } = connectOver(losingFirst(lose));
    const held = await lock(id).acquire(60_000, { owner: "one" });
    if (!held.success) throw new Error(held.reason);
    expect((await lock(id).status()).holders).toMatchObject([{ lease: held.lease, owner: "one" }]);
    expect(await lock(id).renew(held.lease, 60_000)).toMatchObject({ success: true, lease: held.lease });
    expect(await lock(id).release(held.lease)).toBe(true);
    const next = await lock(id).acquire(60_000);
    expect(next.success && next.lease).toBeGreaterThan(held.lease);
  });

  it.each([
    ["an HTML page", () => html(200)],
    ["JSON of an unknown kind", () => Response.json("hello")],
    ["JSON of another service", () => Response.json({ ok: true, id: 7 })],
    ["JSON of another service that refuses", () => Response.json({ success: false, reason: "BORROWED" })],
    ["a lease that is no number", () => Response.json({ lease: "1", deadline: 1, validFor: 1 })],
    ["a problem of another service", () => Response.json({ reason: "BORROWED", detail: "no" }, { status: 409 })],
    ["a page that is not found", () => html(404)],
    [
      "a redirect, which would carry the token elsewhere",
      () => new Response(null, { status: 302, headers: { Location: "https://other.example" } }),
    ],
  ])("A call that gets %s fails with VERSION_MISMATCH, and the error names the URL.", async (_name, answer) => {
    const { lock } = connectOver(always(answer));
    const error = await failureOf(lock("a").acquire(1_000));
    expect(error).toMatchObject({
      code: "VERSION_MISMATCH",
      message: expect.stringContaining("https://locks.example"),
    });
  });

  it.each([
    ["a wrong token", connectOver(undefined, "a-wrong-token-of-some-length")],
    ["a proxy that keeps it out", connectOver(always(() => html(403)))],
  ])(
    "A call refused because of %s fails at once with ACCESS_DENIED, and the error does not contain the token.",
    async (_name, { lock }) => {
      const error = await failureOf(lock("a").withLock(() => {}));
      expect(error).toMatchObject({ code: "ACCESS_DENIED" });
      expect(String(error)).not.toContain("a-wrong-token");
    },
  );

  it("A call for a lease of another token, or of RPC, fails with ACCESS_DENIED and leaves the lease as it was.", async () => {
    const tokens = ["one", "other"].map((name) => ({ name, token: `the-token-of-${name}-name` }));
    const service = createLockService({ lock: env.DURABLE_LOCK, tokens: JSON.stringify(tokens) });
    const [one, other] = tokens.map(({ token }) => {
      const fetch = async (...args: Parameters<typeof globalThis.fetch>) => service.fetch(new Request(...args));
      return connectLocks({ url: "https://locks.example", token, fetch });
    });
    const id = freshId();
    const held = await one?.lock(id).hold({ ttl: 60_000 });
    const lease = held?.lease ?? 0;
    const overRpc = await leaseOf(lockOf(`${id} over RPC`).acquire(60_000));
    for (const call of [
      () => other?.lock(id).resume(lease),
      () => other?.lock(id).renew(lease, 1_000),
      () => other?.lock(id).release(lease),
      () => other?.lock(`${id} over RPC`).resume(overRpc),
    ]) {
      const error = await failureOf(call() as Promise<unknown>);
      expect(error).toMatchObject({ code: "ACCESS_DENIED", message: expect.stringContaining("token") });
    }
    await held?.renew();
    expect(await held?.release()).toBe(true);
    expect(await lockOf(`${id} over RPC`).release(overRpc)).toBe(true);
  });

  it("If a token's share is used up, the error says so and does not say that the lock is full.", async () => {
    for (const reason of ["QUEUE_FULL", "TOO_MANY_LEASES"] as const) {
      const { lock } = connectOver(
        always(() => {
          const problem = problemOf(reason, "This token has its share.", { share: true });
          return new Response(JSON.stringify(problem), {
            status: 503,
            headers: { [PROTOCOL_HEADER]: String(PROTOCOL) },
          });
        }),
      );
      const error = await failureOf(lock("a").withLock(() => {}));
      expect(error).toMatchObject({
        code: reason,
        message: expect.stringContaining("this token has used up its share"),
      });
    }
  });

  it("While the service is down, a call fails with UNREACHABLE and never reports contention.", async () => {
    const { lock } = connectOver(async () => cut());
    expect(await failureOf(lock("a").acquire(1_000))).toMatchObject({ code: "UNREACHABLE" });
  });

  it("G6: If the service stops answering, the signal fires before the lease can pass on.", async () => {
    let down = false;
    const id = freshId();
    const { lock } = connectOver((request, serve) => (down ? new Promise(() => {}) : serve(request)));
    const held = await lock(id).hold({ ttl: 4_000 });
    down = true;
    await new Promise((resolve) => held.signal.addEventListener("abort", resolve));
    expect(held.signal.reason).toMatchObject({ code: "LEASE_LOST", why: "unreachable" });
    expect(await connectOver().lock(id).isLocked()).toBe(true);
  });

  it("Every request over HTTP has a signal that can cut it.", async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const { lock } = connectOver((request, serve) => (signals.push(request.signal), serve(request)));
    await lock(freshId()).withLock(() => {});
    expect(signals.length).toBeGreaterThan(1);
    expect(signals.every((signal) => signal instanceof AbortSignal)).toBe(true);
  });
});

describe.concurrent("Waiting over HTTP", () => {
  it.each([
    ["a proxy that limits the rate", 429],
    ["a proxy whose service is under maintenance", 503],
  ])("G4: A waiter waits out a Retry-After of %s.", async (_name, status) => {
    const at: number[] = [];
    const { lock } = connectOver((request, serve) => {
      at.push(performance.now());
      const limited = new Response("later", { status, headers: { "Retry-After": "2" } });
      return at.length === 1 ? Promise.resolve(limited) : serve(request);
    });
    expect(await lock(freshId()).withLock(() => "mine", { wait: 10_000 })).toBe("mine");
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(1_990);
  });
});

describe("Leaks of calls over HTTP", () => {
  it("G8: A call over HTTP leaves no timer, however it ended.", async () => {
    const counted = countTimers();
    try {
      const id = freshId();
      await connectOver().lock(id).acquire(60_000);
      await failureOf(
        connectOver(always(() => html(200)))
          .lock(id)
          .acquire(1_000),
      );
      expect(counted.pending.size).toBe(0);
    } finally {
      counted.restore();
    }
  });
});

describe.concurrent("once over HTTP", () => {
  const { lock } = connectOver();

  it.each([[{ a: [1, "b", null, true] }], ["text"], [undefined], [null], [0]])(
    "once over HTTP gives the result %j to later callers.",
    async (value) => {
      const id = freshId();
      expect(await once(lock(id), () => value)).toEqual(value);
      expect(await once(lock(id), () => "again")).toEqual(value);
    },
  );

  it.each([
    ["with endless holes", { encoded: [[-7, 4_294_967_295, 0, 1], 2] }],
    ["that is not an encoding", { encoded: "[[1],2]" }],
    ["with a prototype", { value: JSON.parse('{"__proto__":1}') as unknown }],
  ])("once over HTTP refuses a recorded result %s, and does not run the job.", async (_name, carried) => {
    const answer = () =>
      Response.json(
        { recorded: { ...carried, failed: false, lease: 7 } },
        { headers: { [PROTOCOL_HEADER]: String(PROTOCOL) } },
      );
    let runs = 0;
    const failure = await failureOf(once(connectOver(always(answer)).lock(freshId()), () => (runs += 1)));
    expect(failure).toMatchObject({ code: "RESULT_NOT_CLONEABLE" });
    expect(runs).toBe(0);
  });

  it("The client does not parse an answer that is nested too deeply.", async () => {
    const text = `{"recorded":{"failed":false,"lease":7,"value":${"[".repeat(500_000)}${"]".repeat(500_000)}}}`;
    const answer = () => new Response(text, { headers: { [PROTOCOL_HEADER]: String(PROTOCOL) } });
    const failure = await failureOf(once(connectOver(always(answer)).lock(freshId()), () => 1));
    expect(failure).toMatchObject({ code: "VERSION_MISMATCH" });
  });

  it("once over HTTP gives a recorded error back as an error.", async () => {
    const id = freshId();
    const fail = () => {
      throw Object.assign(new RangeError("no"), { status: 404, at: new Date(0), none: undefined });
    };
    await failureOf(once(lock(id), fail, { recordErrors: true }));
    const error = await failureOf(once(lock(id), () => "ran", { recordErrors: true }));
    expect(error).toMatchObject({ name: "RangeError", message: "no", status: 404 });
  });
});
