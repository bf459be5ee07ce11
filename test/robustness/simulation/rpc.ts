import type { RpcTarget } from "./cloudflare-workers.ts";
import type { Instance } from "./instance.ts";
import type { Participant } from "./participant.ts";

/** What a caller holds of an instance: it is disposed there when it was dropped and no call is under way on it. */
export class Handle {
  readonly instance: Instance;
  calls = 0;
  readonly #target: RpcTarget;
  #isDropped = false;
  #isDisposed = false;

  constructor(instance: Instance, target: RpcTarget) {
    this.instance = instance;
    this.#target = target;
    instance.handles += 1;
  }

  call(method: string, args: unknown[]): unknown {
    return (this.#target as unknown as Record<string, (...args: unknown[]) => unknown>)[method]?.(...args);
  }

  done(): void {
    this.calls -= 1;
    this.#disposeIfUnused();
  }

  drop(): void {
    this.#isDropped = true;
    this.#disposeIfUnused();
  }

  #disposeIfUnused(): void {
    if (!this.#isDropped || this.calls > 0 || this.#isDisposed) return;
    this.#isDisposed = true;
    this.instance.handles -= 1;
    this.instance.process.run(() => (this.#target as Partial<Disposable>)[Symbol.dispose]?.());
  }
}

/** A call on what an earlier call will return. */
interface Pipelined {
  path: string;
  method: string;
  args: unknown[];
  pending: Pending;
}

/** A call whose outcome the caller does not know yet. */
export class Pending {
  readonly pipelined: Pipelined[] = [];
  readonly #caller: Participant;
  readonly #promise: Promise<unknown>;
  #resolve: (value: unknown) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #isSettled = false;
  #isDisposed = false;
  #onSettled: () => void = () => {};

  constructor(caller: Participant) {
    this.#caller = caller;
    this.#promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get isWanted(): boolean {
    return !this.#isSettled;
  }

  whenSettled(then: () => void): void {
    this.#onSettled = then;
  }

  /** The reply is here; the caller sees it when it runs. */
  arrive(value: unknown): void {
    this.#settle(() => {
      this.#resolve(value);
      if (this.#isDisposed) (value as Partial<Disposable>)[Symbol.dispose]?.();
    });
  }

  fail(error: unknown): void {
    this.#settle(() => this.#reject(error));
    for (const { pending } of this.pipelined) pending.fail(error);
  }

  /** Like the runtime's promises: a result, a way to call what it will contain, and something to dispose of. */
  proxy(): unknown {
    const get = (promise: Promise<unknown>, name: string | symbol) => {
      if (name === Symbol.dispose) return () => this.#dispose();
      const own = Reflect.get(promise, name) as unknown;
      if (typeof own === "function") return own.bind(promise) as unknown;
      return this.#part(String(name));
    };
    return new Proxy(this.#promise, { get });
  }

  #dispose(): void {
    this.#isDisposed = true;
  }

  #part(path: string): unknown {
    const call = (method: string, args: unknown[]) => {
      const pending = new Pending(this.#caller);
      this.pipelined.push({ path, method, args, pending });
      return pending.proxy();
    };
    return new Proxy(
      {},
      {
        get:
          (_, method) =>
          (...args: unknown[]) =>
            call(String(method), args),
      },
    );
  }

  #settle(how: () => void): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#onSettled();
    this.#caller.run(how);
  }
}
