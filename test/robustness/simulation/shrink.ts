import type { Plan } from "./plan.ts";

/** The smallest plan that still fails, found by leaving out whatever the failure does not need. */
export async function shrink(plan: Plan, fails: (plan: Plan) => Promise<boolean>): Promise<Plan> {
  let smallest = plan;
  for (let progress = true; progress;) {
    progress = false;
    for (const smaller of smallerThan(smallest)) {
      if (!(await fails(smaller))) continue;
      smallest = smaller;
      progress = true;
      break;
    }
  }
  return smallest;
}

function* smallerThan(plan: Plan): Generator<Plan> {
  const { callers, faults, conditions } = plan;
  for (const index of faults.keys()) yield { ...plan, faults: faults.toSpliced(index, 1) };
  // Callers keep their places, for faults name them by these.
  for (const [index, caller] of callers.entries())
    for (const job of caller.jobs.keys()) {
      const without = { ...caller, jobs: caller.jobs.toSpliced(job, 1) };
      yield { ...plan, callers: callers.with(index, without) };
    }
  for (const condition of ["lost", "duplicated", "slow"] as const)
    if (conditions[condition] > 0) yield { ...plan, conditions: { ...conditions, [condition]: 0 } };
}
