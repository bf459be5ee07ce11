import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BUGS } from "./bugs.ts";
import { type Plan, planFor } from "./plan.ts";
import type { Answer } from "./player.ts";
import { Players } from "./players.ts";

const { values } = parseArgs({
  options: {
    /** How many fresh worlds to play. */
    seeds: { type: "string", default: "2000" },
    /** What the seeds begin with: fresh ones each time unless given. */
    prefix: { type: "string", default: `${randomBytes(4).toString("hex")}-` },
    /** One seed, played again with all that happens in it. */
    seed: { type: "string" },
    /** Whether to show that each known bug would be found. */
    bugs: { type: "boolean", default: false },
  },
});

const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => `${values.prefix}${index}`);
const since = performance.now();
let toldAt = since;

if (values.seed !== undefined) await replay(values.seed);
else if (values.bugs) await findBugs();
else await search();

/** All seeds that ever failed, and so many new ones. */
async function search(): Promise<void> {
  const players = new Players(availableParallelism(), undefined);
  const former = JSON.parse(readFileSync(join(import.meta.dirname, "failed.json"), "utf8")) as {
    what: string;
    plan: Plan;
  }[];
  await replaysExactly(players);
  for (const { what, plan } of former) {
    const { failed } = await players.ask({ plan });
    if (failed?.violations.length) return await report(players, what, failed);
  }
  console.log(`${former.length} that failed once are clean. Seeds: ${values.prefix}0 and on.`);
  const sum = await players.play(seeds, tellNowAndThen);
  if (sum.failed) return await report(players, sum.failed.plan.seed, sum.failed);
  console.log(`${summary(sum)}: no violation.`);
  await players.end();
}

/** A seed is worth something only if it plays the same world again. */
async function replaysExactly(players: Players): Promise<void> {
  const plan = planFor("replayed");
  const [one, other] = [await players.ask({ plan }), await players.ask({ plan })];
  if (one.failed?.trace.join("\n") !== other.failed?.trace.join("\n")) throw new Error("a seed did not replay exactly");
}

/** Each bug in turn, and how many seeds it took to find it. */
async function findBugs(): Promise<void> {
  for (const { name } of BUGS) {
    const players = new Players(availableParallelism(), name);
    const { failed, played } = await players.play(seeds, () => {});
    await players.end();
    const [violation] = failed?.violations ?? [];
    if (!violation) process.exitCode = 1;
    console.log(
      `${name}: ${violation ? `found in ${played} seeds, as ${violation.guarantee}` : `NOT found in ${played}`}`,
    );
  }
}

async function replay(seed: string): Promise<void> {
  const players = new Players(1, undefined);
  const { failed } = await players.ask({ plan: planFor(seed) });
  console.log([...(failed?.trace ?? []), JSON.stringify(failed?.violations)].join("\n"));
  await players.end();
}

async function report(players: Players, name: string, failed: NonNullable<Answer["failed"]>): Promise<void> {
  console.error(`FAILED: ${name}: ${JSON.stringify(failed.violations[0])}. As small as it gets:`);
  const { failed: smallest } = await players.ask({ shrink: failed.plan });
  const { plan, trace, violations } = smallest ?? failed;
  console.error([...trace.slice(-60), JSON.stringify(violations[0]), JSON.stringify(plan)].join("\n"));
  console.error(`Again, all of it: node test/robustness/simulation/main.ts --seed ${failed.plan.seed}`);
  process.exitCode = 1;
  await players.end();
}

function tellNowAndThen(sum: Answer): void {
  if (performance.now() - toldAt < 30_000) return;
  toldAt = performance.now();
  console.log(summary(sum));
}

function summary({ played, jobs, grants, events }: Answer): string {
  const seconds = Math.round((performance.now() - since) / 1_000);
  return `${played} worlds, ${jobs} jobs, ${grants} leases, ${events} events in ${seconds} s`;
}
