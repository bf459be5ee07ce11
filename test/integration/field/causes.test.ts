// Replays of what users of other libraries reported. docs/correctness.md lists them: "Bugs of others, tried here".
import { describe, expect, it } from "vitest";
import { createLock } from "../../../src/index.ts";
import { fakeTime, pass } from "../../support/fake-time.ts";
import { connectionLost } from "../../support/faulty-namespace.ts";
import { failureOf } from "../../support/outcome.ts";
import { grantingPrimitives } from "../../support/scripted-primitives.ts";

fakeTime();

describe("awslabs/amazon-dynamodb-lock-client#6", () => {
  it("a lease that is lost in an outage carries what the last renewal failed with, and one that has expired does not", async () => {
    const fault = connectionLost();
    const cutOff = grantingPrimitives({ renew: () => Promise.reject(fault) }).primitives;
    const { signal: lost } = await createLock(cutOff).hold({ ttl: 30_000 });
    const refused = { success: false, reason: "NO_LONGER_VALID", ended: "expired" } as const;
    const late = grantingPrimitives({ renew: async () => refused }).primitives;
    const { signal: expired } = await createLock(late).hold({ ttl: 30_000 });
    await pass(30_000);
    expect(lost.reason).toMatchObject({ code: "LEASE_LOST", why: "unreachable", cause: fault });
    expect(expired.reason).toMatchObject({ code: "LEASE_LOST", why: "expired" });
    expect((expired.reason as Error).cause).toBe(undefined);
  });
});

describe("mike-marcacci/node-redlock#19", () => {
  it("an outage that lasts is told with the fault of the last attempt, in the message and as the cause", async () => {
    const fault = connectionLost();
    const { primitives } = grantingPrimitives({ acquire: () => Promise.reject(fault) });
    const acquiring = failureOf(createLock(primitives).withLock(() => {}, { wait: 1_000 }));
    await pass(40_000);
    const error = await acquiring;
    expect(error).toMatchObject({ code: "UNREACHABLE", cause: fault });
    expect((error as Error).message).toContain(fault.message);
  });
});
