import { describe, expect, it } from "vitest";
import { createLockService } from "../../../src/service.ts";
import { connectionLost, faultyNamespace, overloaded } from "../../support/faulty-namespace.ts";
import { TOKEN } from "../../support/http.ts";

/** The service's answer to a waiter if the lock's object fails with this fault. */
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

describe.concurrent("A waiting request whose object fails", () => {
  it("G4: The service answers a waiter 503 without Retry-After, so that it returns while the queue reassembles.", async () => {
    const { status, headers } = await answerOf(connectionLost);
    expect([status, headers.get("Retry-After")]).toEqual([503, null]);
  });

  it("G4: If the object is overloaded, the 503 has a Retry-After, so that the waiter returns more slowly.", async () => {
    const { status, headers } = await answerOf(overloaded);
    expect([status, headers.get("Retry-After")]).toEqual([503, "1"]);
  });
});
