// What a Worker reports if it is configured for an older platform, or for storage that the objects can't use.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type Session, layOut, startSession } from "./session.ts";

const TODAY = "2026-08-15";
const OLDEST = "2024-04-03";
const BEFORE = "2024-04-02";
/** The oldest date that workerd accepts. */
const FIRST = "2021-11-02";

const CLASSES = {
  DURABLE_LOCK: "DurableLock",
  DURABLE_RENDEZVOUS: "DurableRendezvous",
  LOCK_INDEX: "LockIndex",
  FENCED: "Fenced",
};

interface Setting {
  name: string;
  date: string;
  flags?: string[];
  /** The Worker that has the objects, if it is not this one. */
  script?: string;
  storage?: "new_sqlite_classes" | "new_classes";
}

function configOf({ name, date, flags = [], script, storage = "new_sqlite_classes" }: Setting): string {
  const bindings = Object.entries(CLASSES).map(([binding, className]) => ({
    name: binding,
    class_name: className,
    ...(script !== undefined && { script_name: script }),
  }));
  return JSON.stringify({
    name,
    main: join(import.meta.dirname, "caller.ts"),
    compatibility_date: date,
    compatibility_flags: flags,
    // Wrangler does not know how to read the files of the inspector.
    alias: { "./routes/page.ts": "../no-page.ts" },
    durable_objects: { bindings },
    ...(script === undefined && { migrations: [{ tag: "v1", [storage]: Object.values(CLASSES) }] }),
  });
}

async function start(...settings: Setting[]): Promise<Session> {
  const files = settings.map((setting) => [`${setting.name}/wrangler.json`, configOf(setting)]);
  const folder = await layOut({ ...Object.fromEntries(files), "no-page.ts": "export function addPage() {}\n" });
  return startSession(
    folder,
    settings.map(({ name }) => `${name}/wrangler.json`),
  );
}

interface Said {
  value?: unknown;
  name?: string;
  message?: string;
  code?: string;
  argument?: string;
}

/** Checks that each call is refused at once, as for a wrong binding, and that the refusal says what to change. */
async function eachRefused(session: Session, paths: string[], argument: string, change: RegExp): Promise<void> {
  for (const path of paths) {
    const said = await session.ask<Said>("caller", path);
    assert.deepEqual([path, said.code, said.argument], [path, "INVALID_ARGUMENT", argument], JSON.stringify(said));
    assert.match(said.message ?? "", change);
    assert.doesNotMatch(said.message ?? "", /outage|not a function/);
  }
}

async function eachClosed(session: Session, paths: string[], change: RegExp): Promise<void> {
  for (const path of paths) {
    const { value } = await session.ask<{ value?: { status: number; text: string } }>("caller", path);
    assert.equal(value?.status, 503, `${path}: ${value?.text}`);
    const problem = JSON.parse(value.text) as { reason: string; detail: string };
    assert.equal(problem.reason, "NOT_CONFIGURED");
    assert.match(problem.detail, change);
  }
}

const LOCKS = [
  "acquire",
  "wait",
  "poll",
  "withLock",
  "releaseOnExit",
  "release",
  "isLocked",
  "status",
  "latch",
  "barrier",
];
const SERVICE = ["service/acquire", "service/wait", "service/plain", "service/list"];

test("A caller whose compatibility date has no RPC is told which date to set.", async () => {
  await using session = await start({ name: "caller", date: BEFORE });
  const change = /"compatibility_date" .* to 2024-04-03 or later/;
  await eachRefused(session, LOCKS, "namespace", change);
  await eachClosed(session, SERVICE, change);
});

test("A class without SQLite storage is refused at once, without a wait, with the migration to write.", async () => {
  await using session = await start({ name: "caller", date: OLDEST, storage: "new_classes" });
  const change = /"new_sqlite_classes" .* not .*"new_classes"/;
  await eachRefused(session, LOCKS, "namespace", change);
  await eachRefused(session, ["fenced"], "storage", change);
  await eachClosed(session, SERVICE, change);
});

for (const [name, settings] of Object.entries<Setting[]>({
  "the oldest date with RPC": [{ name: "caller", date: OLDEST }],
  "the oldest date of all with the flag rpc": [{ name: "caller", date: FIRST, flags: ["rpc"] }],
  "objects at the oldest date of all, called at today's": [
    { name: "caller", date: TODAY, script: "objects" },
    { name: "objects", date: FIRST },
  ],
}))
  test(`Every call works with ${name}.`, async () => {
    await using session = await start(...settings);
    for (const path of [...LOCKS, "fenced"]) {
      const said = await session.ask<Said>("caller", path);
      assert.ok("value" in said, `${path}: ${JSON.stringify(said)}`);
    }
    for (const path of SERVICE) {
      const { value } = await session.ask<{ value: { status: number; text: string } }>("caller", path);
      assert.equal(value.status, 200, `${path}: ${value.text}`);
    }
  });
