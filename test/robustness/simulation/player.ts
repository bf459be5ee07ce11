import { parentPort, workerData } from "node:worker_threads";
import { BUGS, withBug } from "./bugs.ts";
import { replaceGlobals } from "./globals.ts";
import { loadSource } from "./hooks.ts";
import type { Violation } from "./judge.ts";
import type { Plan } from "./plan.ts";

/** What a player is asked to do. */
export type Question = { seeds: string[] } | { plan: Plan } | { shrink: Plan };

/** What it answers. */
export interface Answer {
  /** The first that failed. */
  failed: { plan: Plan; violations: Violation[]; trace: string[] } | undefined;
  played: number;
  events: number;
  jobs: number;
  grants: number;
}

const { bug } = workerData as { bug: string | undefined };
const known = BUGS.find(({ name }) => name === bug);
loadSource((file, source) => withBug(known, file, source));
// Only now, for it loads the source.
const { planFor } = await import("./plan.ts");
const { shrink } = await import("./shrink.ts");
const { simulate } = await import("./simulate.ts");
replaceGlobals();

parentPort?.on("message", (question: Question) => {
  void answer(question).then((found) => parentPort?.postMessage(found));
});

async function answer(question: Question): Promise<Answer> {
  if ("seeds" in question) return await play(question.seeds.map(planFor), false);
  if ("plan" in question) return await play([question.plan], true);
  const { violations } = await simulate(question.shrink);
  const sameKind = violations[0]?.guarantee;
  const smallest = await shrink(
    question.shrink,
    async (plan) => (await simulate(plan)).violations[0]?.guarantee === sameKind,
  );
  return await play([smallest], true);
}

async function play(plans: Plan[], keepsTrace: boolean): Promise<Answer> {
  const answered: Answer = { failed: undefined, played: 0, events: 0, jobs: 0, grants: 0 };
  for (const plan of plans) {
    const { violations, trace, events, jobs, grants } = await simulate(plan, keepsTrace);
    answered.played += 1;
    answered.events += events;
    answered.jobs += jobs;
    answered.grants += grants;
    if (violations.length === 0 && !keepsTrace) continue;
    answered.failed = { plan, violations, trace };
    break;
  }
  return answered;
}
