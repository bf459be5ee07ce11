import type { Participant } from "./participant.ts";
import { Handle, Pending } from "./rpc.ts";
import type { Instance } from "./instance.ts";
import type { Judge } from "./judge.ts";
import type { Random } from "./random.ts";
import type { Site } from "./site.ts";
import { RpcTarget } from "./cloudflare-workers.ts";

/** How bad the network is: probabilities for each message. */
export interface Conditions {
  lost: number;
  duplicated: number;
  slow: number;
}

/** What a caller learns when its connection broke. */
const connectionLost = () => Object.assign(new Error("Network connection lost."), { retryable: true });
/** What a caller learns when the instance went while it worked on its call. */
const reset = () => Object.assign(new Error("The object was reset."), { durableObjectReset: true });
const handleIsDead = () => new Error("The execution context which hosts this callback is no longer running.");

interface Invocation {
  method: string;
  args: unknown[];
}

/** Runs an invocation where it arrives; undefined if that instance no longer exists. */
interface Target {
  instance: () => Instance | undefined;
  invoke: (instance: Instance, invocation: Invocation) => unknown;
  onHandle?: Handle;
}

/** One caller's connection to all objects. */
export class Line {
  readonly caller: Participant;
  readonly #sites: ReadonlyMap<string, Site>;
  readonly #conditions: Conditions;
  readonly #judge: Judge;
  readonly #random: Random;
  readonly #handles = new Set<Handle>();
  readonly #pending = new Set<Pending>();
  #isCut = false;

  constructor(caller: Participant, sites: ReadonlyMap<string, Site>, conditions: Conditions, judge: Judge) {
    this.caller = caller;
    this.#sites = sites;
    this.#conditions = { ...conditions };
    this.#judge = judge;
    this.#random = caller.world.stream(`line of ${caller.name}`);
  }

  /** What `useDurableLock` takes. */
  get namespace() {
    return {
      getByName: (id: string) => this.#stubOf(this.#sites.get(id) as Site),
      idFromName: (id: string) => ({ toString: () => `key of ${id}` }),
    };
  }

  get handles(): number {
    return this.#handles.size;
  }

  /** No message gets through until it is mended; the objects dispose of what they hold for the caller later. */
  cut(forHowLong: number): void {
    this.#isCut = true;
    this.#breakOff();
    for (const pending of this.#pending) if (this.#random.chance(0.5)) pending.fail(connectionLost());
    this.caller.world.after(forHowLong, () => {
      this.#isCut = false;
    });
  }

  /** From now on nothing is lost. */
  heal(): void {
    this.#isCut = false;
    Object.assign(this.#conditions, { lost: 0, duplicated: 0, slow: 0 });
  }

  /** The caller has died: its connections end. */
  hangUp(): void {
    this.#breakOff();
  }

  #breakOff(): void {
    const handles = [...this.#handles];
    this.#handles.clear();
    const delay = this.#random.chance(0.8) ? this.#random.between(1, 50) : this.#random.magnitude(50, 30_000);
    this.caller.world.after(delay, () => {
      for (const handle of handles) handle.drop();
    });
  }

  #stubOf(site: Site): unknown {
    const target: Target = {
      instance: () => site.route(),
      invoke: ({ object }, { method, args }) =>
        (object as unknown as Record<string, (...args: unknown[]) => unknown>)[method]?.(...args),
    };
    return new Proxy(
      {},
      {
        get:
          (_, method) =>
          (...args: unknown[]) =>
            this.#call(target, { method: String(method), args }),
      },
    );
  }

  #call(target: Target, invocation: Invocation): unknown {
    const pending = new Pending(this.caller);
    this.#pending.add(pending);
    pending.whenSettled(() => this.#pending.delete(pending));
    if (target.onHandle) target.onHandle.calls += 1;
    this.#send(pending, () => this.#arrive(pending, target, invocation));
    return pending.proxy();
  }

  /** A request on its way: in time, late, twice, or never. */
  #send(pending: Pending, arrive: () => void): void {
    const { world } = this.caller;
    const isLost = this.#isCut || this.#random.chance(this.#conditions.lost);
    if (isLost) this.#lose(pending);
    else world.after(this.#delay(), arrive);
    if (!isLost && this.#random.chance(this.#conditions.duplicated))
      world.after(this.#random.magnitude(1, 20_000), arrive);
  }

  /** The caller learns that its connection broke: soon, or when a missing sign of life is finally noticed. */
  #lose(pending: Pending): void {
    const until = this.#random.chance(0.6) ? this.#random.magnitude(1, 2_000) : this.#random.magnitude(2_000, 600_000);
    this.caller.world.after(until, () => pending.fail(connectionLost()));
  }

  #arrive(pending: Pending, target: Target, invocation: Invocation): void {
    const instance = target.instance();
    if (!instance) return pending.fail(handleIsDead());
    const { method } = invocation;
    const args = structuredClone(invocation.args);
    const { world } = this.caller;
    instance.enter(() => {
      world.tell(
        () => `${this.caller.name} -> ${instance.process.name} ${method}(${JSON.stringify(args).slice(1, -1)})`,
      );
      const noted = this.#judge.noteCall(instance, method, args);
      const result = attempt(() => target.invoke(instance, { method, args }));
      for (const { path, method: next, args: nextArgs, pending: nextPending } of pending.pipelined) {
        const reached = result.then((value) =>
          (value as Record<string, Record<string, (...a: unknown[]) => unknown>>)[path]?.[next]?.(...nextArgs),
        );
        this.#answer(instance, nextPending, reached, noted);
      }
      this.#answer(instance, pending, result, noted, target.onHandle);
    });
  }

  /** The reply leaves when what was written before it is durable, and goes the same uncertain way. */
  #answer(
    instance: Instance,
    pending: Pending,
    result: Promise<unknown>,
    noted: (value: unknown) => void,
    onHandle?: Handle,
  ): void {
    const gone = () => pending.fail(onHandle ? handleIsDead() : reset());
    const tellGone = () => this.caller.world.after(this.#delay(), gone);
    instance.underWay.add(tellGone);
    const leave = (reply: () => void) => {
      if (onHandle) onHandle.done();
      instance.letOut(() => {
        instance.underWay.delete(tellGone);
        reply();
      });
    };
    result.then(
      (value) => {
        noted(value);
        leave(() => this.#reply(instance, pending, value));
      },
      (error: unknown) => leave(() => this.caller.world.after(this.#delay(), () => pending.fail(error))),
    );
  }

  #reply(instance: Instance, pending: Pending, value: unknown): void {
    const { world } = this.caller;
    const exported = this.#exported(instance, value);
    if (this.#isCut || this.#random.chance(this.#conditions.lost)) {
      this.#lose(pending);
      world.after(this.#random.magnitude(1, 2_000), () => exported.drop());
      return;
    }
    world.tell(() => `${instance.process.name} -> ${this.caller.name} ${JSON.stringify(value)}`);
    world.after(this.#delay(), () => {
      if (!this.caller.isAlive || !pending.isWanted) return exported.drop();
      for (const handle of exported.handles) this.#handles.add(handle);
      pending.arrive(exported.value);
    });
  }

  /** Plain data is copied; what goes by reference becomes a handle. */
  #exported(instance: Instance, value: unknown): { value: unknown; handles: Handle[]; drop: () => void } {
    const handles: Handle[] = [];
    const drop = () => {
      for (const handle of handles) handle.drop();
    };
    if (typeof value !== "object" || value === null || !Object.values(value).some((part) => part instanceof RpcTarget))
      return { value: structuredClone(value), handles, drop };
    const parts = Object.entries(value).map(([name, part]) => {
      if (!(part instanceof RpcTarget)) return [name, structuredClone(part)];
      const handle = new Handle(instance, part);
      handles.push(handle);
      return [name, this.#stubOfHandle(handle)];
    });
    const dispose = () => {
      for (const handle of handles) this.#letGo(handle);
    };
    return { value: { ...Object.fromEntries(parts), [Symbol.dispose]: dispose }, handles, drop };
  }

  #letGo(handle: Handle): void {
    if (this.#handles.delete(handle)) this.caller.world.after(this.#delay(), () => handle.drop());
  }

  #stubOfHandle(handle: Handle): unknown {
    const target: Target = {
      instance: () => (handle.instance.isAlive ? handle.instance : undefined),
      invoke: (_instance, { method, args }) => handle.call(method, args),
      onHandle: handle,
    };
    const get = (_: object, name: string | symbol) => {
      if (name === "then") return undefined;
      if (name === Symbol.dispose) return () => this.#letGo(handle);
      return (...args: unknown[]) => this.#call(target, { method: String(name), args });
    };
    return new Proxy({}, { get });
  }

  #delay(): number {
    return this.#random.chance(this.#conditions.slow)
      ? this.#random.magnitude(20, 8_000)
      : this.#random.between(0.3, 15);
  }
}

async function attempt(work: () => unknown): Promise<unknown> {
  return work();
}
