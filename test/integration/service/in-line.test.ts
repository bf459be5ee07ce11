import { describe, expect, it } from "vitest";
import { createLockService } from "../../../src/service.ts";
import { connectionLost, faultyNamespace, overloaded } from "../../support/faulty-namespace.ts";
import { TOKEN } from "../../support/http.ts";

/** What the service answers to one who waits, if the lock's object fails so. */
async function answerOf(fault: () => Error): Promise<Response> {
  const { namespace } = faultyNamespace(async () => {
    throw fault();
  });
  const service = createLockService({ lock: namespace, tokens: TOKEN });
  return service.fetch(
    new Request("https://locks.example/v1/locks/a/acquire", {
      method: "POST",
      headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
      body: JSON.stringify({ ttl: 1_000, wait: 1 }),
    }),
  );
}

describe.concurrent("G4 a request in line whose object fails", () => {
  it("is answered 503 without a Retry-After, so that its caller comes back while the line reassembles", async () => {
    const { status, headers } = await answerOf(connectionLost);
    expect([status, headers.get("Retry-After")]).toEqual([503, null]);
  });

  it("is answered with one if the object is overloaded, so that its caller comes back more slowly", async () => {
    const { status, headers } = await answerOf(overloaded);
    expect([status, headers.get("Retry-After")]).toEqual([503, "1"]);
  });
});
