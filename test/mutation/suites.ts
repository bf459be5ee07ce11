import type { Mutant } from "./mutants.ts";

const test = (...names: string[]) => names.map((name) => `${name}.test.ts`);

const RENDEZVOUS = test("rendezvous/rendezvous", "rendezvous/barrier.property");

/** Tests that take next to no time, the likeliest first, and the files that they are likely for. */
const QUICK: [RegExp, string[]][] = [
  [/^core\/(limits|request)/, test("object/bad-input", "client/options")],
  [/^core\//, test("core/lease", "core/lock-state", "core/lease-book")],
  [/^object\/(http|durable-lock|answer)/, test("object/http", "object/bad-input")],
  [/^client\/(options|claims)/, test("client/options")],
  [/^client\/keep-alive/, test("client/keep-alive")],
];

/** Those that take a while. */
const SLOW: Record<string, string[]> = {
  core: test(
    "object/exclusion",
    "object/repetition",
    "object/cost",
    "object/cleanup",
    "core/lock-delay.property",
    "core/interleavings.property",
    "toolkit/once-retain",
    "toolkit/lock-delay",
    "toolkit/request-release",
  ),
  object: test(
    "object/exclusion",
    "object/cost",
    "object/cleanup",
    "object/watch",
    "object/repetition",
    "toolkit/bound",
    "toolkit/request-release",
    "toolkit/once-retain",
  ),
  client: test("client/with-lock", "client/waiting", "client/lost-replies", "client/leaks", "client/resume"),
};

/** Where a file of the client has tests of its own. */
const OWN: Record<string, string[]> = {
  "client/lead.ts": test("toolkit/lead", "toolkit/lead-faults"),
  "client/observe.ts": test("toolkit/observe"),
  "client/once.ts": test("toolkit/once", "toolkit/once-results", "toolkit/once-faults"),
  "client/recorded-error.ts": test("toolkit/once-results"),
  "client/release.ts": test("toolkit/once-results", "toolkit/once-faults"),
  "client/bind.ts": test("toolkit/bound", "toolkit/bound-faults", "toolkit/hand-out"),
  "client/create-read-write-lock.ts": test("toolkit/read-write-lock"),
  "client/use-read-write-lock.ts": test("toolkit/read-write-lock"),
  "client/create-semaphore.ts": test("toolkit/semaphore"),
  "client/use-semaphore.ts": test("toolkit/semaphore"),
  "client/claims.ts": test("toolkit/semaphore"),
  "client/with-locks.ts": test("toolkit/with-locks", "toolkit/hand-out"),
  "client/create-web-locks.ts": test("toolkit/web-locks", "toolkit/hand-out"),
  "client/web-locks.ts": test("toolkit/web-locks", "toolkit/hand-out"),
  "client/web-lock-options.ts": test("toolkit/web-locks"),
  "client/web-lock-manager.ts": test("toolkit/web-locks"),
  "client/keep-alive.ts": test("client/hold"),
  "client/hold.ts": test("client/hold", "toolkit/hand-out"),
  "client/held-lease.ts": test("client/hold"),
};

const isRendezvous = ({ file }: Mutant) => /rendezvous|barrier|latch/.test(file);
const folderOf = ({ file }: Mutant) => file.split("/")[0] ?? "";

/** Whether the simulation runs this file. */
export const isSimulated = (mutant: Mutant): boolean =>
  !isRendezvous(mutant) && !/web-lock|http|observe|limits|request\.ts|options/.test(mutant.file);

export const quickTestsOf = (mutant: Mutant): string[] =>
  isRendezvous(mutant) ? [] : (QUICK.find(([files]) => files.test(mutant.file))?.[1] ?? []);

export const slowTestsOf = (mutant: Mutant): string[] =>
  isRendezvous(mutant) ? RENDEZVOUS : [...(OWN[mutant.file] ?? []), ...(SLOW[folderOf(mutant)] ?? [])];
