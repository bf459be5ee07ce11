import type { Mutant } from "./mutants.ts";

const test = (...names: string[]) => names.map((name) => `${name}.test.ts`);

const RENDEZVOUS = test("rendezvous/rendezvous", "rendezvous/barrier.property");

/** The tests that are quick, the likeliest first. */
const QUICK: Record<string, string[]> = {
  core: test(
    "core/lease",
    "core/lock-state",
    "core/lease-book",
    "object/bad-input",
    "object/exclusion",
    "object/repetition",
    "object/cost",
  ),
  object: test("object/exclusion", "object/http", "object/bad-input", "object/cost", "object/cleanup", "object/watch"),
  client: test("client/options", "client/keep-alive", "client/resume", "object/bad-input"),
};

/** All others that touch the folder. */
const SLOW: Record<string, string[]> = {
  core: test(
    "core/lock-delay.property",
    "core/interleavings.property",
    "object/cleanup",
    "object/queue",
    "object/watch",
    "toolkit/lock-delay",
    "toolkit/force-release",
    "toolkit/semaphore",
    "toolkit/read-write-lock",
    "toolkit/once-results",
    "toolkit/once-retain",
  ),
  object: test(
    "object/repetition",
    "object/queue",
    "toolkit/bound",
    "toolkit/force-release",
    "toolkit/request-release",
    "toolkit/once-results",
    "toolkit/once-retain",
    "toolkit/bound-faults",
  ),
  client: test("client/with-lock", "client/waiting", "client/lost-replies", "client/leaks", "client/hold"),
};

/** Where a file of the client has tests of its own. */
const OWN: Record<string, string[]> = {
  "client/lead.ts": test("toolkit/lead", "toolkit/lead-faults"),
  "client/observe.ts": test("toolkit/observe"),
  "client/once.ts": test("toolkit/once", "toolkit/once-results", "toolkit/once-faults"),
  "client/recorded-error.ts": test("toolkit/once-results"),
  "client/release.ts": test("toolkit/once-results", "toolkit/once-faults"),
  "client/bind.ts": test("toolkit/bound", "toolkit/bound-faults"),
  "client/use-read-write-lock.ts": test("toolkit/read-write-lock"),
  "client/use-semaphore.ts": test("toolkit/semaphore"),
  "client/claims.ts": test("toolkit/semaphore", "client/options"),
  "client/with-locks.ts": test("toolkit/with-locks"),
  "client/web-locks.ts": test("toolkit/web-locks"),
  "client/web-lock-options.ts": test("toolkit/web-locks"),
  "client/web-lock-manager.ts": test("toolkit/web-locks"),
  "client/keep-alive.ts": test("client/keep-alive", "client/hold"),
  "client/hold.ts": test("client/hold"),
  "client/held-lease.ts": test("client/hold", "client/resume"),
  "client/acquire.ts": test("client/waiting", "client/lost-replies"),
};

const isRendezvous = ({ file }: Mutant) => /rendezvous|barrier|latch|meeting/.test(file);
const folderOf = ({ file }: Mutant) => file.split("/")[0] ?? "";

/** Whether the simulation runs this file. */
export const isSimulated = (mutant: Mutant): boolean =>
  !isRendezvous(mutant) && !/web-lock|http|observe|watchers/.test(mutant.file);

export const quickTestsOf = (mutant: Mutant): string[] =>
  isRendezvous(mutant) ? RENDEZVOUS : [...(OWN[mutant.file] ?? []), ...(QUICK[folderOf(mutant)] ?? [])];

export const slowTestsOf = (mutant: Mutant): string[] => (isRendezvous(mutant) ? [] : (SLOW[folderOf(mutant)] ?? []));
