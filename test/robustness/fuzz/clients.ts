import { afterEach, beforeEach, expect, it } from "vitest";
import {
  type DurableRendezvous,
  type Lock,
  fenceD1,
  fenceHeaders,
  fenceR2,
  isLockError,
  readFence,
  webLocks,
  withLocks,
} from "../../../src/index.ts";
import { type Fault, faultyNamespace } from "../../support/faulty-namespace.ts";
import { outcome } from "../../support/locks.ts";
import { countTimers } from "../../support/timers.ts";
import { inputsOf } from "./calls.ts";
import { CLIENT_CALLS, type ClientCall, type Clients, REAL } from "./client-calls.ts";
import { settled } from "./host.ts";
import { RULES, anything, fuzz } from "./values.ts";
import fc from "fast-check";

const unchecked = <T>(value: unknown) => value as T;

/** A network behind which everything is refused at once. */
const refusing: Fault = async (method) => {
  const refusal = { success: false, reason: "QUEUE_FULL" };
  const answer = async () => refusal;
  return method === "arriveAtBarrier" ? { outcome: { reply: answer }, [Symbol.dispose]: () => {} } : refusal;
};

const locks = faultyNamespace(refusing, REAL.locks);
const rendezvous = faultyNamespace<DurableRendezvous>(refusing, REAL.rendezvous);
const clients: Clients = { locks: locks.namespace, rendezvous: rendezvous.namespace };
const sent = () => locks.calls.length + rendezvous.calls.length;

async function callOf({ run }: ClientCall, args: unknown[]): Promise<{ value?: unknown; error?: unknown }> {
  return outcome((async () => (run as (...all: unknown[]) => unknown)(clients, ...args))());
}

function expectInvalid(error: unknown, wrong: string[]): void {
  expect(isLockError(error, "INVALID_ARGUMENT") || error).toBe(true);
  const { argument, message } = error as { argument: string; message: string };
  if (!wrong.includes("?")) expect(wrong).toContain(argument);
  if (argument.length < 40) expect(message).toContain(JSON.stringify(argument).slice(1, -1));
}

/** What is thrown says `INVALID_ARGUMENT` and which, before anything is sent; and what is good is not refused. */
export function fuzzClients(runs: number): void {
  let timers: ReturnType<typeof countTimers>;
  beforeEach(() => {
    timers = countTimers();
    locks.calls.length = rendezvous.calls.length = 0;
  });
  afterEach(() => timers.restore());

  it.each(CLIENT_CALLS.map((call): [string, ClientCall] => [call.method, call]))(
    "G9 %s accepts good arguments and names bad ones before it sends anything, for arbitrary input.",
    async (_method, call) => {
      const inputs = inputsOf(call).map((input) => ({
        ...input,
        wrong: input.wrong.map((name) => (name === call.alias?.[0] ? call.alias[1] : name)),
      }));
      const isSurelyBad = ({ wrong }: { wrong: string[] }) => wrong.length > 0 && !wrong.includes("?");
      await fuzz(runs, call.endless ? inputs.filter(isSurelyBad) : inputs, async ({ args, wrong }) => {
        const before = sent();
        const { error } = await callOf(call, wrongLease(call, args) ? [args[0], 0] : args);
        if (isSurelyBad({ wrong })) expectInvalid(error, [...wrong, ...(call.method === "acquire" ? ["lease"] : [])]);
        if (isLockError(error, "INVALID_ARGUMENT")) expect([sent(), timers.pending.size]).toEqual([before, 0]);
        if (wrong.length === 0) expect(isLockError(error, "INVALID_ARGUMENT") && error).toBe(false);
        expect(error === undefined || isLockError(error) || error).toBe(true);
        locks.calls.length = rendezvous.calls.length = 0;
      });
    },
  );

  it("G9 withLocks refuses anything but locks.", async () => {
    const lists = fc.oneof(anything, fc.array(anything, { maxLength: 3 }));
    await fuzz(runs, lists, async (list) => {
      const { error } = await outcome(withLocks(unchecked<Lock[]>(list), () => {}));
      expectInvalid(error, ["locks"]);
    });
  });

  it("webLocks refuses what the standard refuses, with the standard's errors, and what is no id.", async () => {
    const manager = webLocks(locks.namespace);
    const options = fc.record(
      { mode: anything, ifAvailable: fc.boolean(), steal: fc.boolean(), signal: anything },
      { requiredKeys: [] },
    );
    await fuzz(runs, fc.tuple(anything, fc.oneof(anything, options)), async ([name, given]) => {
      const asked = manager.request(unchecked(name), unchecked(given), () => {});
      const error = await settled(outcome(asked).then((done) => done.error));
      const isTyped = error instanceof TypeError || error instanceof DOMException || isLockError(error);
      expect(isTyped || error).toBe(true);
      // The last is what the engine says of an object that has no toString.
      const names = /^(name|options|mode|signal) |^Cannot convert object to primitive value$/;
      if (error instanceof TypeError) expect(error.message).toMatch(names);
    });
  });

  fuzzGuards(runs);
}

function wrongLease({ method }: ClientCall, args: unknown[]): boolean {
  return method === "acquire" && typeof args[1] !== "object" && args[1] !== undefined;
}

function fuzzGuards(runs: number): void {
  const { lease, text } = RULES;
  const wrongOf = (resource: unknown, number: unknown, name: string) => [
    ...(text(resource) ? [] : [name]),
    ...(lease(number) ? [] : ["lease"]),
  ];

  it("G9 The fencing functions refuse anything that is no resource or lease, before they touch their store.", async () => {
    await fuzz(runs, fc.tuple(anything, anything), async ([resource, number]) => {
      const args = [unchecked<string>(resource), unchecked<number>(number)] as const;
      const wrong = wrongOf(resource, number, "resource");
      const { error } = await outcome((async () => fenceHeaders(...args))());
      expect(error === undefined).toBe(wrong.length === 0);
      if (wrong.length === 0) return;
      expectInvalid(error, wrong);
      expectInvalid((await outcome(fenceD1(unchecked(undefined), ...args, []))).error, wrong);
      // Which text is a key R2 knows better.
      const isKey = typeof resource === "string" && resource !== "";
      if (isKey && lease(number)) return;
      const putting = fenceR2(unchecked(undefined), ...args, null);
      expectInvalid((await outcome(putting)).error, ["key", "lease"]);
    });
  });

  const header = fc.oneof(
    fc.constant(null),
    fc.constantFrom(
      "0",
      "01",
      "1.0",
      "1e3",
      "+1",
      "-1",
      "9007199254740992",
      "9".repeat(17),
      "1, 2",
      "%",
      "%zz",
      "%00",
      "%ed%a0%80",
      "a%2Fb",
    ),
    fc.nat().map(String),
    anything.filter((value) => typeof value === "string"),
  );
  it("G9 readFence turns any headers into a fence or a typed refusal, and reads what was written.", async () => {
    await fuzz(runs, fc.tuple(header, header), async ([token, resource]) => {
      const headers = { get: (name: string) => (name === "Fencing-Token" ? token : resource) };
      const { value, error } = await outcome((async () => readFence(headers))());
      if (error) return expectInvalid(error, ["Fencing-Token", "Fencing-Resource"]);
      expect([lease(value?.lease), text(value?.resource)]).toEqual([true, true]);
      const written = new Headers(fenceHeaders(value?.resource ?? "", value?.lease ?? 0));
      expect(readFence(written)).toEqual(value);
    });
  });
}
