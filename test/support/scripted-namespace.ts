/** How the methods of an object answer; one that is not listed answers nothing. */
export type Answers = Record<string, (...args: never[]) => unknown>;

/** A binding whose objects answer as a test says; `calls` is what was asked, and when. */
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
