// Two versions of the package at each other's objects: Workers in real processes, with bindings by script_name.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { PROTOCOL } from "../../../src/core/protocol.ts";
import type { LockStatus } from "../../../src/core/replies.ts";
import { type Dev, Rig } from "../process/rig.ts";
import { type Package, today, unpackFirst } from "./packed.ts";

type Version = "first" | "today";
type Came = Record<string, { what: string; message?: string; value?: number }>;

const VERSIONS = ["first", "today"] as const;
const CLASSES = { LOCK: "DurableLock", RENDEZVOUS: "DurableRendezvous" };

let first: Package;
let rig: Rig;
const objects = {} as Record<Version, Dev>;
const callers = {} as Record<Version, Dev>;

const hostOf = (version: Version) => `objects-of-${version}`;
const bindings = (prefix: string, script?: string) =>
  Object.entries(CLASSES).map(([name, className]) => ({
    name: `${prefix}_${name}`,
    class_name: className,
    ...(script !== undefined && { script_name: script }),
  }));

before(async () => {
  first = unpackFirst();
  rig = await Rig.create();
  for (const version of VERSIONS) {
    const { dist } = version === "first" ? first : today;
    const alias = { "durable-locks": join(dist, "index.js") };
    const migrations = [{ tag: "v1", new_sqlite_classes: Object.values(CLASSES) }];
    objects[version] = await rig.start(hostOf(version), "../skew/object.ts", {
      alias,
      durable_objects: { bindings: bindings("DURABLE") },
      migrations,
    });
  }
  for (const version of VERSIONS) {
    const { dist } = version === "first" ? first : today;
    const both = VERSIONS.flatMap((at) => bindings(at.toUpperCase(), hostOf(at)));
    callers[version] = await rig.start(`caller-of-${version}`, "../skew/caller.ts", {
      alias: { "durable-locks": join(dist, "index.js") },
      durable_objects: { bindings: both },
    });
  }
});

after(async () => {
  await rig?.[Symbol.asyncDispose]();
  first?.[Symbol.dispose]();
});

const came = (caller: Version, at: Version, id: string) => callers[caller].ask<Came>(`/?at=${at}&id=${id}`);
const statusOf = (at: Version, id: string) => objects[at].ask<LockStatus>(`/status?id=${id}`);

for (const version of VERSIONS)
  it(`A caller of the ${version} version does everything at objects of its own version.`, async () => {
    const outcomes = await came(version, version, "own");
    const notDone = Object.entries(outcomes).filter(([, { what }]) => what !== "done");
    // "resume" names a lease that never existed.
    assert.deepEqual(
      notDone.map(([name, { what }]) => `${name}: ${what}`),
      ["resume: LEASE_LOST"],
    );
  });

/** They change nothing, and mean the same in every version; a count-down has no option that could carry a number. */
const WITHOUT_NUMBER = [
  "isLocked",
  "status",
  "observe",
  "a count-down",
  "a latch",
  "a latch's question",
  "a barrier's question",
];

it("At first-version objects, today's caller gets VERSION_MISMATCH for all that takes or ends something, and changes nothing.", async () => {
  const held = await objects.first.ask<{ lease: number }>("/acquire?id=skewed&ttl=600000&owner=holder");
  const outcomes = await came("today", "first", "skewed");
  const refused = Object.entries(outcomes).filter(([, { what }]) => what === "VERSION_MISMATCH");
  const others = Object.entries(outcomes).filter(([, { what }]) => what !== "VERSION_MISMATCH");
  assert.deepEqual(
    new Set(others.map(([name, { what }]) => `${name}: ${what}`)),
    new Set(WITHOUT_NUMBER.map((name) => `${name}: done`)),
  );
  assert.ok(refused.length >= 17, `${refused.length} calls were refused`);
  const { holders, waiters } = await statusOf("first", "skewed");
  assert.deepEqual(
    holders.map(({ lease }) => lease),
    [held.lease],
  );
  assert.deepEqual(waiters, []);
  assert.equal((await statusOf("first", "skewed of another")).locked, false);
});

it("Today's caller is told which protocols differ and what to deploy.", async () => {
  const { tryWithLock, withLock } = await came("today", "first", "told");
  assert.match(withLock?.message ?? "", /The object runs another version .*: deploy both from one version/);
  assert.equal(
    tryWithLock?.message,
    `This client speaks protocol ${PROTOCOL}, and the object speaks an older protocol that has no number. ` +
      "Update durable-locks in the object, and deploy it.",
  );
});

/** Their methods have other names today, so the first version's calls find none. */
const RENAMED = [
  "acquire with wait",
  "hold",
  "hold until the context ends",
  "withLock",
  "once",
  "lead",
  "a semaphore",
  "a read lock",
  "many locks",
  "web locks",
  "a barrier",
];

it("Today's objects serve the first version's caller; its calls to renamed methods get VERSION_MISMATCH and change nothing.", async () => {
  const outcomes = await came("first", "today", "served");
  const notDone = Object.entries(outcomes).filter(([, { what }]) => what !== "done");
  assert.deepEqual(
    new Set(notDone.map(([name, { what }]) => `${name}: ${what}`)),
    new Set(["resume: LEASE_LOST", ...RENAMED.map((name) => `${name}: VERSION_MISMATCH`)]),
  );
  const others = ["", " job", " kind"].map((kind) => statusOf("today", `served of another${kind}`));
  for (const { locked, waiters } of await Promise.all(others))
    assert.deepEqual({ locked, waiters }, { locked: false, waiters: [] });
});

it("Two Workers of different versions on one namespace exclude each other.", async () => {
  const held = await objects.today.ask<{ lease: number }>("/acquire?id=shared&ttl=600000&owner=holder");
  const { acquire, tryWithLock, status } = await came("first", "today", "shared&only=acquire");
  assert.deepEqual([acquire?.what, tryWithLock, status], ["done", undefined, undefined]);
  const { holders } = await statusOf("today", "shared");
  assert.deepEqual(
    holders.map(({ lease }) => lease),
    [held.lease],
  );
});
