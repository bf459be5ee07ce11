type Method = (...args: unknown[]) => unknown;

/** A namespace that counts the calls to its objects. Each call on a stub is one request; a ticket's calls are free. */
export class CountedNamespace<T extends Rpc.DurableObjectBranded> {
  readonly namespace: DurableObjectNamespace<T>;
  calls = 0;

  constructor(namespace: DurableObjectNamespace<T>) {
    this.namespace = new Proxy(namespace, {
      get: (target, name) => (name === "getByName" ? this.#stubOf(target) : Reflect.get(target, name).bind(target)),
    });
  }

  #stubOf(namespace: DurableObjectNamespace<T>): (name: string) => DurableObjectStub<T> {
    return (name) =>
      new Proxy(namespace.getByName(name), {
        get: (stub, method) => {
          const call = Reflect.get(stub, method) as unknown as Method;
          return (...args: unknown[]) => {
            this.calls += 1;
            return Reflect.apply(call, stub, args);
          };
        },
      });
  }
}
