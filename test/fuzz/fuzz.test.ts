import { afterAll, describe, expect } from "vitest";
import { fuzzClients } from "./clients.ts";
import { fuzzLockCalls } from "./lock-calls.ts";
import { fuzzRendezvousCalls } from "./rendezvous-calls.ts";
import { fuzzRequests } from "./requests.ts";
import { inputs } from "./values.ts";

describe("fuzz: calls of a lock", () => fuzzLockCalls(300));
describe("fuzz: calls of a latch or barrier", () => fuzzRendezvousCalls(1_000));
describe("fuzz: plain requests", () => fuzzRequests(1_000));
describe("fuzz: the client", () => fuzzClients(300));

afterAll(() => {
  console.log(`fuzz: ${inputs} inputs`);
  expect(inputs).toBeGreaterThan(0);
});
