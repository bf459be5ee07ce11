import { afterAll, describe } from "vitest";
import { staysBounded } from "./bounded.ts";
import { fuzzClients } from "./clients.ts";
import { fuzzLockCalls } from "./lock-calls.ts";
import { fuzzRendezvousCalls } from "./rendezvous-calls.ts";
import { fuzzRequests } from "./requests.ts";
import { fuzzResults } from "./results.ts";
import { fuzzRows } from "./rows.ts";
import { inputs } from "./values.ts";

describe("fuzz: calls of a lock", () => fuzzLockCalls(4_000));
describe("fuzz: calls of a latch or barrier", () => fuzzRendezvousCalls(4_000));
describe("fuzz: plain requests", () => fuzzRequests(4_000));
describe("fuzz: the client", () => fuzzClients(1_500));
describe("fuzz: results of jobs", () => fuzzResults(500));
describe("fuzz: stored rows", () => fuzzRows(1_200));
describe("fuzz: whatever comes, memory is bounded", staysBounded);

afterAll(() => {
  console.log(`fuzz: ${inputs} inputs`);
});
