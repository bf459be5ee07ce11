/** The answers of the methods of an object. A method that is not listed returns undefined. */
export type Answers = Record<string, (...args: never[]) => unknown>;

/** A binding whose objects answer as a test says. `calls` lists the calls and their times. */
export function scriptedNamespace<T extends Rpc.DurableObjectBranded>(answers: Answers) {
  const calls: { method: string; args: unknown[]; at: number }[] = [];
  const names: string[] = [];
  const since = performance.now();
  const answer =
    (_stub: object, method: string) =>
    (...args: never[]) => {
      calls.push({ method, args, at: performance.now() - since });
      return answers[method]?.(...args);
    };
  const stub = new Proxy({}, { get: answer });
  const namespace = {
    getByName: (name: string) => (names.push(name), stub),
    idFromName: (name: string) => ({ toString: () => `id of ${name}` }),
  } as unknown as DurableObjectNamespace<T>;
  return { namespace, calls, names };
}
