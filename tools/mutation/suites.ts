import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Mutant } from "./mutants.ts";

const TESTS = join(import.meta.dirname, "../../test");

const test = (folder: string, ...names: string[]) => names.map((name) => `${folder}/${name}.test.ts`);
const unit = (...names: string[]) => test("unit", ...names);
const toolkit = (...names: string[]) => test("integration/toolkit", ...names);
const versions = (...names: string[]) => test("integration/versions", ...names);

/** The tests of files whose own tests are named differently. */
const OWN: [RegExp, string[]][] = [
  [
    /^core\/(checks|limits|request|replies|results)/,
    [...unit("core/checks", "object/bad-input", "toolkit/bad-input"), ...toolkit("once-results")],
  ],
  [
    /rendezvous|barrier|latch/,
    [
      ...unit("core/rendezvous/barrier-state", "toolkit/rendezvous/barrier", "toolkit/rendezvous/latch"),
      ...test("integration/rendezvous", "barrier.property", "rows", "object", "rendezvous", "limits"),
    ],
  ],
  [
    /^core\/(caller|decisions|to-cancel|leases|queue|lock-state|shares)/,
    unit("core/tokens", "core/shares", "core/leases/same-request"),
  ],
  [/^object\/(bad-argument|durable-lock)/, unit("object/bad-argument", "object/bad-input", "wire/plain-requests")],
  [/^object\/(lock-host|clean-up)/, [...unit("object/cleanup"), ...toolkit("release-on-exit", "once", "once-faults")]],
  [/^object\/lock-index/, test("integration/service", "index")],
  [/^object\/timeline/, [...unit("object/follow"), ...test("integration/service", "events")]],
  [
    /^object\/(handles|watchers|parked-calls)/,
    [...toolkit("release-on-exit", "release-on-exit-faults"), ...unit("object/watch")],
  ],
  [/^object\/handout/, [...unit("object/handout"), ...toolkit("once-results")]],
  [/^object\/storage\/result-storage/, toolkit("once-retain", "once", "once-results")],
  [
    /^object\/storage/,
    [...unit("object/storage/row-budget"), ...versions("damaged-rows", "older-table", "newer-table")],
  ],
  [/^hold\/(acquire|waiting)/, unit("hold/waiting/waiting", "hold/waiting/order-after-outage", "hold/request-id")],
  [/^hold\/exit-watch/, toolkit("release-on-exit", "release-on-exit-faults")],
  [/^hold\/(work|start-hold|refusal|loss)/, [...unit("hold/hold", "hold/with-lock"), ...toolkit("once")]],
  [/^(hold\/release|toolkit\/(once|recorded-error))/, toolkit("once", "once-results", "once-retain", "once-faults")],
  [/^toolkit\/options/, [...unit("toolkit/bad-input"), ...toolkit("semaphore", "once")]],
  [/^toolkit\/(create-lock|read-write-lock|semaphore)/, unit("toolkit/create-lock")],
  [/^toolkit\/read-write-lock/, toolkit("read-write-lock")],
  [/^toolkit\/semaphore/, toolkit("semaphore")],
  [/^toolkit\/lead/, toolkit("lead", "lead-faults")],
  [/^toolkit\/observe/, toolkit("observe")],
  [/^toolkit\/many-locks/, toolkit("with-locks")],
  [
    /^(toolkit\/web-locks|transport\/own-request)/,
    [
      ...unit(
        "toolkit/web-locks/create-web-locks",
        "toolkit/web-locks/sending-order",
        "toolkit/web-locks/web-lock-request",
      ),
      ...toolkit("web-locks", "web-locks-requests"),
    ],
  ],
  [/^transport\/version-mismatch/, versions("clients")],
  [
    /^(transport\/http|connect)/,
    test("integration/http", "transport", "outage", "cuts", "protocol", "restart", "results"),
  ],
];

/** The tests for the whole caller's side, the quickest first. */
const CALLERS = [
  ...unit(
    "toolkit/bad-input",
    "hold/keep-alive",
    "hold/waiting/waiting",
    "hold/leaks",
    "hold/resume",
    "hold/hold",
    "hold/lost-replies",
    "hold/with-lock",
  ),
  ...toolkit("release-on-exit"),
  ...versions("clients"),
];

/** The tests for every file of a folder, to play after the file's own tests, the quickest first. */
const COMMON: Record<string, string[]> = {
  core: [
    ...unit(
      "core/leases/lease",
      "core/leases/past-requests",
      "core/lock-state",
      "core/events",
      "core/invariant",
      "core/schedule",
      "core/leases/lease-book",
      "core/waiting",
      "core/lock-delay.property",
      "object/exclusion",
      "object/repetition",
      "core/interleavings.property",
      "object/cleanup",
      "object/watch",
      "object/follow",
    ),
    ...toolkit("read-write-lock", "lock-delay", "once-retain"),
    ...unit("object/cost"),
    ...versions("damaged-rows"),
    ...unit("core/most-leases"),
  ],
  object: [
    ...unit("object/exclusion", "object/repetition", "object/cleanup", "object/watch"),
    ...versions("objects"),
    ...toolkit("once-retain"),
    ...unit("object/follow", "object/cost", "object/queue"),
    ...toolkit("request-release", "release-on-exit"),
  ],
  transport: CALLERS,
  hold: CALLERS,
  toolkit: CALLERS,
  connect: CALLERS,
};

const isRendezvous = ({ file }: Mutant) => /rendezvous|barrier|latch/.test(file);

/** Whether the simulation runs this file. */
export const isSimulated = (mutant: Mutant): boolean =>
  !isRendezvous(mutant) &&
  !/web-lock|http|observe|limits|checks|request\.ts|options|lock-index|timeline|version-mismatch/.test(mutant.file);

/** The test files that should find a mutant, the likeliest first. */
export function testsOf(mutant: Mutant): string[] {
  const namesake = [`unit/${mutant.file.replace(/ts$/, "test.ts")}`].filter((file) => existsSync(join(TESTS, file)));
  const own = OWN.filter(([files]) => files.test(mutant.file)).flatMap(([, tests]) => tests);
  const common = isRendezvous(mutant) ? [] : (COMMON[mutant.file.split("/")[0] ?? ""] ?? []);
  return [...new Set([...namesake, ...own, ...common])];
}
