import { afterAll, describe } from "vitest";
import { staysBounded } from "./bounded.ts";
import { fuzzClients } from "./clients.ts";
import { fuzzLockCalls } from "./lock-calls.ts";
import { fuzzRendezvousCalls } from "./rendezvous-calls.ts";
import { fuzzRequests } from "./requests.ts";
import { fuzzResults } from "./results.ts";
import { fuzzRows } from "./rows.ts";
import { inputs } from "./values.ts";

describe("Fuzz: calls of a lock", () => fuzzLockCalls(2_000));
describe("Fuzz: calls of a latch or barrier", () => fuzzRendezvousCalls(2_000));
describe("Fuzz: plain requests", () => fuzzRequests(2_000));
describe("Fuzz: the client", () => fuzzClients(1_000));
describe("Fuzz: results of jobs", () => fuzzResults(500));
describe("Fuzz: stored rows", () => fuzzRows(800));
describe("Fuzz: bounded memory", staysBounded);

afterAll(() => {
  console.log(`fuzz: ${inputs} inputs`);
});
