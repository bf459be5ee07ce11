import { describe, expect, it } from "vitest";
import { createLockService } from "../../../src/service.ts";
import { TOKEN, type Way, connectOver } from "../../support/http.ts";
import { faultyNamespace } from "../../support/faulty-namespace.ts";
import { failureOf, freshId } from "../../support/locks.ts";

const URL_OF_SERVICE = "https://locks.example";

/** An error as Node's fetch throws it: the reason is in its cause. */
function fetchFailed(message: string, code?: string): Error {
  return new TypeError("fetch failed", { cause: Object.assign(new Error(message), code && { code }) });
}

/** A service that can't be reached, and a count of the attempts. */
function failing(error: () => Error) {
  const counted = { calls: 0 };
  const way: Way = async () => {
    counted.calls += 1;
    throw error();
  };
  return { counted, ...connectOver(way) };
}

const answering = (...args: ConstructorParameters<typeof Response>): Way => {
  return async () => new Response(...args);
};

describe.concurrent("A service that can't be reached", () => {
  it.each([
    ["refuses the connection", fetchFailed("connect ECONNREFUSED 127.0.0.1:1", "ECONNREFUSED"), /ECONNREFUSED/],
    ["has no address", fetchFailed("getaddrinfo ENOTFOUND nowhere.invalid", "ENOTFOUND"), /ENOTFOUND/],
    [
      "closes the connection",
      fetchFailed("other side closed", "UND_ERR_SOCKET"),
      /other side closed \(UND_ERR_SOCKET\)/,
    ],
    [
      "refuses at each of its addresses",
      new TypeError("fetch failed", { cause: new AggregateError([new Error("connect ECONNREFUSED ::1:1")]) }),
      /ECONNREFUSED ::1:1/,
    ],
  ])("G11: If the service %s, the error says so, with the URL and the cause.", async (_name, thrown, reason) => {
    const { lock, counted } = failing(() => thrown);
    const error = (await failureOf(lock("a").status())) as Error;
    expect(error).toMatchObject({ code: "UNREACHABLE", cause: { cause: thrown } });
    expect(error.message).toMatch(reason);
    expect(error.message).toContain(URL_OF_SERVICE);
    expect(counted.calls).toBeGreaterThan(1);
  });

  it.each([
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"],
    ["CERT_HAS_EXPIRED", "certificate has expired"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "Hostname/IP does not match certificate's altnames"],
    ["", "invalid peer certificate: UnknownIssuer"],
  ])("G11: An untrusted certificate (%s) makes acquires and single calls fail at once.", async (code, why) => {
    const thrown = fetchFailed(why, code);
    const { lock, counted } = failing(() => thrown);
    const expected = { code: "UNREACHABLE", cause: thrown, message: expect.stringContaining(why) };
    expect(await failureOf(lock("a").status())).toMatchObject(expected);
    expect(counted.calls).toBe(1);
    expect(await failureOf(lock("a").withLock(() => {}))).toMatchObject(expected);
    // The third call takes the request back.
    expect(counted.calls).toBe(3);
  });
});

describe.concurrent("A service that answers with an error", () => {
  it.each([
    [500, /answered 500/],
    [503, /answered 503/],
  ])("G11: A %i for as long as a call may take is an outage, and the error names it.", async (status, message) => {
    const { lock } = connectOver(answering("<html>", { status }));
    const error = (await failureOf(lock("a").status())) as Error;
    expect(error).toMatchObject({ code: "UNREACHABLE", message: expect.stringMatching(message) });
    expect(error.cause).toBeInstanceOf(Error);
    expect(error.message).toContain(URL_OF_SERVICE);
  });

  it.each<[string, HeadersInit, number | undefined]>([
    ["seconds", { "Retry-After": "10" }, 10_000],
    ["a date", { "Retry-After": new Date(Date.now() + 3_600_000).toUTCString() }, 3_600_000],
  ])(
    "G11: A 429 whose Retry-After is longer than the call may take fails at once (%s).",
    async (_name, headers, after) => {
      const { lock } = connectOver(answering("<html>", { status: 429, headers }));
      const error = (await failureOf(lock("a").status())) as { retryAfter: number };
      expect(error).toMatchObject({ code: "RATE_LIMITED", message: expect.stringContaining(URL_OF_SERVICE) });
      expect(Math.abs(error.retryAfter - (after ?? 0))).toBeLessThan(5_000);
    },
  );

  it("G11: The service's own 429 is RATE_LIMITED, and a call with enough time waits it out.", async () => {
    const problem = {
      type: "urn:durable-locks:RATE_LIMITED",
      title: "Too many requests",
      status: 429,
      detail: "Too many requests: try again later.",
      reason: "RATE_LIMITED",
      retryAfter: 6_000,
    };
    let limited = 0;
    const { lock } = connectOver(async (request, serve) => {
      if (limited === 2) return serve(request);
      limited += 1;
      return Response.json(problem, { status: 429 });
    });
    expect(await failureOf(lock(freshId()).status())).toMatchObject({ code: "RATE_LIMITED", retryAfter: 6_000 });
    const since = performance.now();
    expect(await lock(freshId()).withLock(() => "held", { wait: 10_000 })).toBe("held");
    expect(performance.now() - since).toBeGreaterThanOrEqual(5_999);
  });

  it.each([
    ["429", "error code: 1027"],
    ["429", "<title>Error 1027</title>"],
  ])(
    "G11: A %s of an account that has used up its daily requests is an error that says so at once.",
    async (status, body) => {
      const { lock } = connectOver(answering(body, { status: Number(status) }));
      expect(await failureOf(lock("a").status())).toMatchObject({
        code: "UNREACHABLE",
        message: expect.stringContaining("a daily limit of Cloudflare's free plan is reached"),
      });
    },
  );

  it("G11: If the object is over a daily limit of the free plan, the clients learn so at once.", async () => {
    const { namespace } = faultyNamespace(async () => {
      throw new Error("Exceeded allowed rows written in Durable Objects free tier.");
    });
    const service = createLockService({ lock: namespace, tokens: TOKEN });
    const { lock } = connectOver(async (request) => service.fetch(request));
    expect(await failureOf(lock("a").acquire(1_000))).toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringMatching(
        /a daily limit of Cloudflare's free plan is reached .*Exceeded allowed rows written/,
      ),
    });
  });
});

describe.concurrent("A token revoked during a hold", () => {
  it("G6, G11: A lease whose token is revoked is held until it expires, and its loss carries the refusal.", async () => {
    let revoked = 0;
    let known = true;
    const { lock } = connectOver((request, serve) => {
      if (known) return serve(request);
      revoked += 1;
      const headers = new Headers(request.headers);
      headers.set("Authorization", "Bearer a-token-that-is-unknown");
      return serve(new Request(request, { headers }));
    });
    const held = await lock(freshId()).hold({ ttl: 4_000 });
    known = false;
    await new Promise((resolve) => held.signal.addEventListener("abort", resolve));
    expect(revoked).toBeGreaterThan(1);
    expect(held.signal.reason).toMatchObject({
      code: "LEASE_LOST",
      why: "unreachable",
      cause: { code: "ACCESS_DENIED", message: expect.stringContaining(URL_OF_SERVICE) },
      message: expect.stringContaining("The service does not know this token"),
    });
  });
});

describe.concurrent("A call that is aborted", () => {
  it("G8: A call over HTTP that is aborted aborts its request too.", async () => {
    const sent: Request[] = [];
    const { lock } = connectOver(async (request) => (sent.push(request), await new Promise(() => {})));
    const controller = new AbortController();
    const called = failureOf(lock("a").acquire(1_000, { wait: 60_000, signal: controller.signal }));
    await expect.poll(() => sent.length).toBe(1);
    expect(sent[0]?.signal.aborted).toBe(false);
    controller.abort("enough");
    expect(await called).toBe("enough");
    // The second request takes the first one back.
    expect(sent.map(({ signal }) => signal.aborted)).toEqual([true, true]);
  });
});
