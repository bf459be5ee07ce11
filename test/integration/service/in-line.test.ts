import { describe, expect, it, vi } from "vitest";
import { type LockRequest, checkRequest } from "../../../src/core/request.ts";
import { askedInLine } from "../../../src/service/request/call-lock.ts";
import type { LockPrimitives } from "../../../src/transport/primitives.ts";
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

describe("A waiting request of a client", () => {
  it("G4: The service passes on unchanged how long a client has waited, and adds the time since then only if it repeats the call.", async () => {
    const waits: (number | undefined)[] = [];
    // Each reading of the clock is 1 ms after the one before, as on a busy machine.
    let time = performance.now();
    const clock = vi.spyOn(performance, "now").mockImplementation(() => (time += 1));
    const primitives = {
      id: "a",
      acquire: async ({ waited }: LockRequest) => {
        waits.push(waited);
        if (waits.length === 1) throw connectionLost();
        return { success: false, reason: "BORROWED" } as const;
      },
    } as unknown as LockPrimitives;
    const request = checkRequest(1_000, { wait: 1_000 }, () => "request");
    try {
      await askedInLine(primitives, request);
    } finally {
      clock.mockRestore();
    }
    expect(waits[0]).toBe(0);
    expect(waits[1]).toBeGreaterThan(0);
  });
});

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
