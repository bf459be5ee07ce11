import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Mutant } from "./mutants.ts";

const TESTS = join(import.meta.dirname, "..");

const test = (...names: string[]) => names.map((name) => `${name}.test.ts`);

/** Where files have tests of their own that are not named like them. */
const OWN: [RegExp, string[]][] = [
  [
    /^core\/(limits|request|result)/,
    test("core/limits", "object/bad-input", "client/bad-input", "toolkit/once-results"),
  ],
  [
    /rendezvous|barrier|latch/,
    test(
      "core/barrier-state",
      "rendezvous/barrier.property",
      "rendezvous/rows",
      "rendezvous/object",
      "rendezvous/rendezvous",
      "rendezvous/limits",
    ),
  ],
  [
    /^core\/(caller|decisions|to-cancel|lease-book|live-leases|queue|lock-state)/,
    test("core/tokens", "core/shares", "core/same-request"),
  ],
  [/^object\/(http|answer|durable-lock)/, test("object/answer", "object/bad-input")],
  [/^object\/lock-host/, test("object/cleanup", "toolkit/bound", "toolkit/once", "toolkit/once-faults")],
  [/^object\/lock-index/, test("worker/index")],
  [/^object\/timeline/, test("object/follow", "worker/events")],
  [/^object\/(bond|ties|watchers|parking)/, test("toolkit/bound", "toolkit/bound-faults", "object/watch")],
  [/^object\/handout/, test("object/handout", "toolkit/once-results")],
  [/^object\/result-storage/, test("toolkit/once-retain", "toolkit/once", "toolkit/once-results")],
  [
    /^object\/(lease-row|table)/,
    test("object/row-budget", "versions/damaged-rows", "versions/older-table", "versions/newer-table"),
  ],
  [/^client\/acquire/, test("client/waiting")],
  [/^client\/claims/, test("toolkit/semaphore")],
  [/^client\/versions/, test("versions/clients")],
  [/^client\/options/, test("client/bad-input")],
  [/^client\/hold/, test("client/start-hold")],
  [/^client\/with-lock\.ts/, test("client/run-under")],
  [/^client\/(create-lock|.*read-write-lock|.*semaphore)/, test("client/create-lock")],
  [/^client\/lead/, test("toolkit/lead", "toolkit/lead-faults")],
  [/^client\/observe/, test("toolkit/observe")],
  [
    /^client\/(once|recorded-error|release)/,
    test("toolkit/once", "toolkit/once-results", "toolkit/once-retain", "toolkit/once-faults"),
  ],
  [/^client\/with-locks/, test("toolkit/with-locks")],
  [
    /^client\/(.*web-lock|own-request|sending-order)/,
    test(
      "client/create-web-locks",
      "client/sending-order",
      "client/web-lock-options",
      "toolkit/web-locks",
      "toolkit/web-locks-requests",
    ),
  ],
  [/^client\/.*read-write-lock/, test("toolkit/read-write-lock")],
];

/** What is played on all of a folder, and found nothing to do with them yet, the quickest first. */
const COMMON: Record<string, string[]> = {
  core: test(
    "core/lease",
    "core/past-leases",
    "core/lock-state",
    "core/lease-book",
    "core/waiting",
    "core/lock-delay.property",
    "object/exclusion",
    "object/repetition",
    "core/interleavings.property",
    "object/cleanup",
    "object/watch",
    "object/follow",
    "toolkit/read-write-lock",
    "toolkit/lock-delay",
    "toolkit/once-retain",
    "object/cost",
    "versions/damaged-rows",
    "core/most-leases",
  ),
  object: test(
    "object/exclusion",
    "object/repetition",
    "object/cleanup",
    "object/watch",
    "versions/objects",
    "toolkit/once-retain",
    "object/follow",
    "object/cost",
    "object/queue",
    "toolkit/request-release",
    "toolkit/bound",
  ),
  client: test(
    "client/bad-input",
    "client/keep-alive",
    "client/waiting",
    "client/leaks",
    "client/resume",
    "client/hold",
    "client/lost-replies",
    "client/with-lock",
    "toolkit/bound",
    "versions/clients",
  ),
};

const isRendezvous = ({ file }: Mutant) => /rendezvous|barrier|latch/.test(file);

/** Whether the simulation runs this file. */
export const isSimulated = (mutant: Mutant): boolean =>
  !isRendezvous(mutant) &&
  !/web-lock|http|observe|limits|request\.ts|options|lock-index|timeline|versions/.test(mutant.file);

/** The files of tests that are to find a mutant, the likeliest first. */
export function testsOf(mutant: Mutant): string[] {
  const namesake = [mutant.file.replace(/ts$/, "test.ts")].filter((file) => existsSync(join(TESTS, file)));
  const own = OWN.filter(([files]) => files.test(mutant.file)).flatMap(([, tests]) => tests);
  const common = isRendezvous(mutant) ? [] : (COMMON[mutant.file.split("/")[0] ?? ""] ?? []);
  return [...new Set([...namesake, ...own, ...common])];
}
