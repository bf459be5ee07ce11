import type { Claim } from "../../../src/core/leases/lease.ts";
import type { Slot } from "../../../src/core/leases/slots.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { LockState } from "../../../src/core/lock-state.ts";
import type { Decision, GrantReply } from "../../../src/core/replies.ts";
import { SteadyClock } from "../../../src/core/steady-clock.ts";
import { type Asked, fits, isAhead, isAway, newlyAsked } from "./asked.ts";
import { losePlaces, Places } from "./places.ts";

/**
 * A lock with its disk, its clocks and its callers. It checks every transition against an independent account of
 * which claims may be held.
 */
export class World {
  wall = 1_800_000_000_000;
  #disk = new Map<number, Slot>();
  #clock = new SteadyClock();
  #state: LockState;
  #heard = 0;
  #highest = 0;
  /** True time, which never steps. */
  #elapsed = 0;
  readonly asked: Asked[] = [];
  readonly violations: string[] = [];
  #places: Places;

  constructor() {
    this.#places = new Places(this.#now());
    this.#state = new LockState([], this.#now());
  }

  /** Acquires without waiting. */
  acquire(claim: Claim, ttl: number): void {
    const asked = this.#ask(claim, ttl, 0);
    const waiting = this.#inLine();
    const reply = this.#run((now) => this.#state.acquire(asked, now));
    if (reply?.success && waiting.some((other) => other.stage === "parked")) this.#violated("overtook the queue");
    this.#answered(asked, reply);
  }

  enqueue(claim: Claim, ttl: number, wait: number): void {
    this.#park(this.#ask(claim, ttl, wait), 0);
  }

  /** A waiter that is away asks again and says how long it has waited. */
  comeBack(pick: number): void {
    const asked = this.#pick(pick, "away");
    if (asked) this.#park(asked, this.#elapsed - asked.since);
  }

  renew(pick: number, ttl: number): void {
    const asked = this.#pick(pick, "holding");
    if (!asked?.lease) return;
    const { lease } = asked.lease;
    const live = this.#isLive(asked);
    const reply = this.#run((now) => this.#state.renew(lease, ttl, `renewal ${this.#heard++}`, now));
    if (reply.success !== live) this.#violated(`renewal of a ${live ? "live" : "dead"} lease: ${reply.success}`);
    if (reply.success) asked.until = this.#now() + ttl;
    else this.#bury(asked);
  }

  release(pick: number): void {
    const asked = this.#pick(pick, "holding");
    if (asked) this.#release(asked);
  }

  /** What has ended must stay ended: its lease can't be renewed or released, and its request takes nothing. */
  haunt(pick: number): void {
    const asked = this.#pick(pick, "ended");
    if (!asked?.dead) return;
    const again = this.#run((now) => this.#state.acquire(asked, now));
    if (again.success) this.#violated("a late duplicate of an acquire took the lock again");
    if (!asked.lease) return;
    const { lease } = asked.lease;
    const renewed = this.#run((now) => this.#state.renew(lease, 10_000, "late renewal", now));
    const released = this.#run((now) => this.#state.release(lease, "late release", now));
    if (renewed.success || released === true) this.#violated("a dead lease was revived");
  }

  /** A reply is lost: the repeated request must find its own lease and nothing else. */
  repeat(pick: number): void {
    const asked = this.#pick(pick, "holding");
    if (!asked || !this.#isLive(asked)) return;
    const reply = this.#run((now) => this.#state.acquire(asked, now));
    if (!reply.success || reply.lease !== asked.lease?.lease) this.#violated("a repeated acquire had a second effect");
  }

  cancel(pick: number): void {
    const asked = this.#pick(pick, "parked") ?? this.#pick(pick, "away");
    if (!asked) return;
    this.#bury(asked);
    this.#run((now) => this.#state.cancel(asked.requestId, now));
  }

  /** The caller of a waiter dies: the object forgets the waiter. */
  drop(pick: number): void {
    const asked = this.#pick(pick, "parked");
    if (!asked) return;
    asked.stage = "away";
    asked.awayUntil = 0;
    asked.rememberedUntil = this.#now() + LIMITS.silence;
    this.#run((now) => this.#state.drop(asked.requestId, now));
  }

  /** Converts a lease to another claim. It must succeed exactly when the other leases leave room for the claim. */
  convert(pick: number, claim: Claim): void {
    const asked = this.#pick(pick, "holding");
    if (!asked?.lease) return;
    const { lease } = asked.lease;
    const others = this.asked.filter((other) => other !== asked && other.stage === "holding" && this.#isLive(other));
    const expected = this.#isLive(asked) && fits(claim, others);
    // Before the call: a waiter that the conversion lets in is granted beside the new claim.
    if (expected) Object.assign(asked, claim);
    // A conversion relies on dead leases staying dead, as a grant does.
    if (expected)
      for (const other of this.asked) if (other.stage === "holding" && !this.#isLive(other)) this.#bury(other);
    const requestId = `conversion ${this.#heard++}`;
    for (let n = 0; n < 2; n += 1) {
      const reply = this.#run((now) => this.#state.convert(lease, claim, requestId, now));
      if (reply.success !== expected) this.#violated(`conversion: ${reply.success}, not ${expected}`);
      if (!this.#isLive(asked)) return this.#bury(asked);
      if (!expected) return;
    }
  }

  /** Acquires with `steal`. */
  steal(claim: Claim, ttl: number): void {
    if (!claim.exclusive) return;
    const asked = this.#ask(claim, ttl, 0);
    asked.steal = true;
    this.#buryHolders();
    const reply = this.#run((now) => this.#state.acquire(asked, now));
    this.#answered(asked, reply);
    if (asked.stage !== "holding") this.#violated("could not steal");
  }

  /** Ends all leases. Repeated, it must end no lease that was granted since. */
  forceRelease(): void {
    const requestId = `forced release ${this.#heard++}`;
    const before = this.#highest;
    this.#buryHolders();
    const fence = this.#run((now) => this.#state.forceRelease(requestId, now));
    if (fence <= before) this.#violated("the fence is not above all before it");
    this.#highest = Math.max(this.#highest, fence);
    if (this.#run((now) => this.#state.forceRelease(requestId, now)) !== fence) this.#violated("forced twice");
  }

  /** A holder with an exit watch dies: its lease ends at once. */
  expire(pick: number): void {
    const asked = this.#pick(pick, "holding");
    if (!asked?.lease) return;
    const { lease } = asked.lease;
    // A lease that has already expired stays as it is: no caller learns about it, and no call relies on its end yet.
    if (this.#isLive(asked)) this.#bury(asked);
    this.#run((now) => this.#state.expire(lease, now));
  }

  tick(ms: number): void {
    this.wall += ms;
    this.#elapsed += ms;
    this.#run((now) => this.#state.wake(now));
  }

  stepBack(ms: number): void {
    this.wall -= ms;
  }

  /** The object dies and starts again from its disk: its waiters are away, and time may be lost meanwhile. */
  restart(): void {
    const before = this.#now();
    this.#clock = new SteadyClock();
    const now = this.#now();
    for (const asked of this.asked) {
      if (asked.stage === "parked") asked.stage = "away";
      if (!asked.lease) asked.dead = false;
      // A new instance follows its own clock and the disk, but no lease ends later than its ttl from now.
      const stored = [...this.#disk.values()].find(({ lease }) => lease.lease === asked.lease?.lease);
      if (asked.stage === "holding" && stored)
        // The disk also has an expiry that the object noticed before it wrote the row again.
        asked.until = stored.end ? Math.min(asked.until, now) : Math.min(stored.lease.deadline, now + stored.lease.ttl);
      Object.assign(asked, { awayUntil: 0, rememberedUntil: 0 });
    }
    this.#places = new Places(now);
    if (now > before) this.#violated("time passed during a restart");
    this.#state = new LockState(structuredClone([...this.#disk.values()]), now);
  }

  /** Once the faults stop, every waiter is granted or refused. */
  settle(): void {
    for (let round = 0; round < 10_000; round += 1) {
      for (let away = this.asked.findIndex(isAway); away >= 0; away = this.asked.findIndex(isAway)) this.comeBack(away);
      const holding = this.asked.find((asked) => asked.stage === "holding");
      if (!this.asked.some((asked) => asked.stage !== "ended")) return;
      const wake = this.#state.nextWake(this.#now());
      if (holding) this.#release(holding);
      else if (wake !== undefined) this.tick(wake - this.#now());
      else if (!this.asked.some(isAway)) break;
    }
    this.#violated(`lost waiters: ${this.asked.filter((asked) => asked.stage !== "ended").length}`);
  }

  #ask(claim: Claim, ttl: number, wait: number): Asked {
    const asked = newlyAsked(`request ${this.asked.length}`, claim, { ttl, wait });
    Object.assign(asked, { since: this.#elapsed, arrivedAt: this.#now(), heard: this.#heard++ });
    this.asked.push(asked);
    return asked;
  }

  #park(asked: Asked, waited: number): void {
    const now = this.#now();
    const left = Math.max(1, asked.wait - waited);
    const inTime = asked.stage === "away" && asked.awayUntil > now;
    losePlaces(this.asked, now);
    if (!inTime) Object.assign(asked, { arrivedAt: this.#places.arrivalOf(asked, waited, now), heard: this.#heard++ });
    Object.assign(asked, { stage: "parked", rememberedUntil: 0 });
    this.#run(
      (at) => this.#state.enqueue({ ...asked, wait: left, waited }, at),
      (reply) => reply && this.#answered(asked, reply),
    );
  }

  #release(asked: Asked): void {
    if (!asked.lease) return;
    const { lease } = asked.lease;
    const live = this.#isLive(asked);
    this.#bury(asked);
    const released = this.#run((now) => this.#state.release(lease, `release of ${lease}`, now));
    if ((released === true) !== live) this.#violated(`release of a ${live ? "live" : "dead"} lease: ${live}`);
    const repeated = this.#run((now) => this.#state.release(lease, `release of ${lease}`, now));
    if ((repeated === true) !== (released === true)) this.#violated("a repeated release was answered otherwise");
  }

  /** Runs one transition and checks its writes, its answers and its next wake-up. */
  #run<T>(transition: (now: number) => T, onResult: (result: T) => void = () => {}): T {
    const now = this.#now();
    losePlaces(this.asked, now);
    const result = transition(now);
    onResult(result);
    const { writes, answers } = this.#state.takeEffects();
    for (const slot of writes) this.#disk.set(slot.index, structuredClone(slot));
    for (const { requestId, reply } of answers) {
      const asked = this.asked.find((other) => other.requestId === requestId);
      if (asked?.stage === "parked") this.#answered(asked, reply);
      else if (reply.success) this.#violated("granted a request that does not wait");
    }
    const wake = this.#state.nextWake(now);
    if (wake !== undefined && wake <= now) this.#violated("wants to be woken in the past: a hot loop");
    if (this.#state.waiting > 0 && wake === undefined) this.#violated("a waiter is queued without a wake-up");
    return result;
  }

  #answered(asked: Asked, reply: Decision | undefined): void {
    if (reply?.success) return this.#granted(asked, reply);
    const pollEnded = asked.stage === "parked" && asked.wait - (this.#elapsed - asked.since) > 0;
    asked.stage = pollEnded && reply?.reason === "BORROWED" ? "away" : "ended";
    asked.awayUntil = this.#now() + LIMITS.returnWithin;
  }

  #granted(asked: Asked, grant: GrantReply): void {
    if (grant.lease <= this.#highest || !Number.isSafeInteger(grant.lease)) this.#violated("lease number did not grow");
    this.#highest = grant.lease;
    if (!asked.steal && this.#places.isReassembling(this.#now())) this.#violated("granted while the queue reassembles");
    const overtaken = this.#inLine().find((other) => other.stage === "parked" && isAhead(other, asked));
    if (overtaken && asked.wait > 0) this.#violated(`${asked.requestId} overtook ${overtaken.requestId}`);
    const holding = this.asked.filter((other) => other.stage === "holding");
    const others = holding.filter((other) => this.#isLive(other));
    // From this grant on, a holder relies on the dead leases staying dead.
    for (const other of holding) if (!this.#isLive(other)) this.#bury(other);
    if (!fits(asked, others)) this.#violated(`admitted beside ${others.length} others`);
    Object.assign(asked, { stage: "holding", lease: grant, until: this.#now() + asked.ttl });
  }

  #buryHolders(): void {
    for (const asked of this.asked) if (asked.stage === "holding") this.#bury(asked);
  }

  #bury(asked: Asked): void {
    Object.assign(asked, { stage: "ended", dead: true });
  }

  #inLine(): Asked[] {
    return this.asked.filter((asked) => asked.stage === "parked");
  }

  #isLive(asked: Asked): boolean {
    return asked.until > this.#now();
  }

  #pick(pick: number, stage: Asked["stage"]): Asked | undefined {
    const candidates = this.asked.filter((asked) => asked.stage === stage);
    return candidates[pick % Math.max(1, candidates.length)];
  }

  #now(): number {
    return this.#clock.read(this.wall);
  }

  #violated(what: string): void {
    this.violations.push(what);
  }
}
