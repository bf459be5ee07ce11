import { JobRun, type Surroundings } from "./jobs.ts";
import { Judge, type Violation } from "./judge.ts";
import { Line } from "./network.ts";
import { Participant } from "./participant.ts";
import type { CallerPlan, Fault, Plan } from "./plan.ts";
import { Site } from "./site.ts";
import { World } from "./world.ts";

/** What a simulated world came to. */
export interface Outcome {
  violations: Violation[];
  trace: string[];
  /** Events played, jobs settled, leases granted. */
  events: number;
  jobs: number;
  grants: number;
}

const DAY = 86_400_000;
/** Longer than any job may take once nothing fails: its pauses, waits, and the leases of the dead. */
const PATIENCE = 30 * DAY;

/** The simulation that runs; it learns about unhandled rejections. */
let inCourt: Judge | undefined;
process.on("unhandledRejection", (error: unknown) =>
  inCourt?.accuse("G8", "", `an unhandled rejection: ${String(error)}`),
);

/** Plays a plan from beginning to end. */
export async function simulate(plan: Plan, keepsTrace = false): Promise<Outcome> {
  const simulation = new Simulation(plan, keepsTrace);
  return await simulation.play();
}

class Simulation {
  readonly #plan: Plan;
  readonly #world: World;
  readonly #judge: Judge;
  readonly #sites: Site[];
  readonly #callers: Caller[];

  constructor(plan: Plan, keepsTrace: boolean) {
    this.#plan = plan;
    this.#world = new World(plan.seed, keepsTrace);
    this.#judge = new Judge(this.#world);
    inCourt = this.#judge;
    this.#sites = Array.from({ length: plan.locks }, (_, index) => new Site(this.#world, `lock${index}`, this.#judge));
    this.#callers = plan.callers.map((caller) => new Caller(caller, plan, this.#world, this.#sites, this.#judge));
  }

  async play(): Promise<Outcome> {
    for (const caller of this.#callers) caller.start();
    for (const fault of this.#plan.faults) this.#world.after(fault.at, () => this.#inflict(fault));
    this.#world.after(this.#plan.faultsUntil, () => this.#heal());
    const isOver = () => this.#judge.violations.length > 0 || this.#callers.every((caller) => caller.isDone);
    await this.#world.play(PATIENCE, isOver);
    await this.#close();
    const { violations } = this.#judge;
    const grants = this.#sites.reduce((sum, site) => sum + this.#judge.ledger(site).grants.length, 0);
    const jobs = this.#callers.reduce((sum, caller) => sum + caller.settled, 0);
    for (const site of this.#sites) site.close();
    return { violations, trace: this.#world.trace, events: this.#world.played, jobs, grants };
  }

  /** All requests were granted or refused; then nothing may be left of them. */
  async #close(): Promise<void> {
    if (this.#judge.violations.length > 0) return;
    for (const caller of this.#callers)
      if (!caller.isDone) this.#judge.accuse("liveness", "", `${caller.name} is neither granted nor told`);
    this.#heal();
    // Clean-up comes one to two days after the last use, and a lease may last for one.
    await this.#world.play(this.#world.now + 4 * DAY, () => this.#judge.violations.length > 0);
    if (this.#judge.violations.length > 0) return;
    for (const caller of this.#callers) caller.leavesNothing();
    for (const site of this.#sites) {
      for (const { process } of site.running)
        if (process.timers > 0) this.#judge.accuse("G8", site.id, `${process.name} has ${process.timers} timers left`);
      if (!site.disk.isEmpty && !site.keepsResult) this.#judge.accuse("G8", site.id, "storage is left after days");
    }
  }

  #heal(): void {
    for (const caller of this.#callers) caller.heal();
    for (const site of this.#sites) site.heal();
  }

  #inflict(fault: Fault): void {
    this.#world.tell(() => `FAULT ${JSON.stringify(fault)}`);
    if ("caller" in fault) this.#callers[fault.caller]?.suffer(fault);
    else this.#sites[fault.lock]?.suffer(fault);
  }
}

/** A caller and the jobs that it does, one after the other. */
class Caller {
  readonly name: string;
  settled = 0;
  readonly #plan: CallerPlan;
  readonly #process: Participant;
  readonly #line: Line;
  readonly #in: Surroundings;
  readonly #judge: Judge;

  constructor(caller: CallerPlan, plan: Plan, world: World, sites: Site[], judge: Judge) {
    this.name = caller.name;
    this.#plan = caller;
    this.#judge = judge;
    this.#process = new Participant(world, caller.name, {
      rate: caller.rate,
      ahead: world.stream(caller.name).between(-DAY, DAY),
    });
    this.#line = new Line(this.#process, new Map(sites.map((site) => [site.id, site])), plan.conditions, judge);
    this.#in = { caller: this.#process, line: this.#line, sites, judge };
  }

  get isDone(): boolean {
    return this.settled === this.#plan.jobs.length || !this.#process.isAlive;
  }

  start(): void {
    this.#process.run(() => void this.#work());
  }

  suffer(fault: Extract<Fault, { caller: number }>): void {
    if (fault.kind === "kill") {
      this.#process.die();
      this.#line.hangUp();
    } else if (fault.kind === "cut") this.#line.cut(fault.during);
    else this.#pause(fault.during);
  }

  heal(): void {
    this.#process.resume();
    this.#line.heal();
  }

  leavesNothing(): void {
    if (!this.#process.isAlive) return;
    if (this.#process.timers > 0) this.#judge.accuse("G8", "", `${this.name} has ${this.#process.timers} timers left`);
    if (this.#line.handles > 0) this.#judge.accuse("G8", "", `${this.name} has ${this.#line.handles} handles left`);
  }

  #pause(during: number): void {
    this.#process.pause();
    this.#process.world.after(during, () => this.#process.resume());
  }

  async #work(): Promise<void> {
    for (const [index, job] of this.#plan.jobs.entries()) {
      await new Promise<void>((resolve) => {
        setTimeout(resolve, job.after);
      });
      this.#process.world.tell(() => `${this.name} begins ${JSON.stringify(job)}`);
      await new JobRun(job, `${this.name}.${index}`, this.#in).run();
      this.settled += 1;
      this.#process.world.tell(() => `${this.name} has done ${job.kind}`);
    }
  }
}
