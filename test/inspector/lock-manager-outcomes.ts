/**
 * The outcomes of good and bad requests to a lock manager, by their titles. Without one, `navigator.locks` is used.
 *
 * The function refers to nothing outside of itself, so that it can also run in a page.
 */
export async function outcomesOf(given?: Pick<LockManager, "request" | "query">): Promise<Record<string, unknown>> {
  const locks = (given ?? navigator.locks) as unknown as Record<"request" | "query", (...args: any[]) => Promise<any>>;
  let made = 0;
  const fresh = () => `lock ${(made += 1)}`;
  const work = () => "done";
  const { signal } = new AbortController();
  const aborted = AbortSignal.abort("before");
  const own = new Error("own");
  const throwing = () => {
    throw own;
  };
  const kindOf = (error: unknown) => {
    if (typeof error === "string") return error;
    if (error === own) return "own";
    return error instanceof DOMException ? `DOMException ${error.name}` : (error as Error).constructor.name;
  };
  const outcome = async (promise: Promise<unknown>) =>
    promise.then(
      (value) => ({ value }),
      (error: unknown) => ({ error: kindOf(error) }),
    );
  const ask = async (...args: unknown[]) => {
    try {
      return await outcome(locks.request(...args));
    } catch (error) {
      return { thrown: kindOf(error) };
    }
  };
  const nameOf = (lock: { name: string }) => lock.name;
  const modeOf = (lock: { mode: string }) => lock.mode;
  const hold = async (name: string, options: object = {}) => {
    const granted = Promise.withResolvers<void>();
    const { promise, resolve: finish } = Promise.withResolvers<string>();
    const released = outcome(locks.request(name, options, () => (granted.resolve(), promise)));
    await granted.promise;
    return { finish: () => finish("released"), released };
  };
  const shapeOf = ({ held, pending }: Record<"held" | "pending", Record<string, string>[]>) =>
    [held, pending].map((infos) => infos.map(({ name, mode, clientId }) => [name, mode, typeof clientId]));

  const conversions: Record<string, unknown[]> = {
    "no argument": [],
    "a name": ["a"],
    "a name and undefined": ["a", undefined],
    "a name and options": ["a", {}],
    "a callback": ["a", work],
    "undefined as options": ["a", undefined, work],
    "null as options": ["a", null, work],
    "a string as options": ["a", "shared", work],
    "a number as options": ["a", 7, work],
    "a Symbol as options": ["a", Symbol("a"), work],
    "an array as options": ["a", [], work],
    "a function as options": ["a", work, work],
    "null as callback": ["a", {}, null],
    "undefined as callback": ["a", {}, undefined],
    "a string as callback": ["a", {}, "work"],
    "a fourth argument": ["a", {}, work, "more"],
    "a name that is a number": [7, nameOf],
    "a name that is null": [null, nameOf],
    "a name that is undefined": [undefined, nameOf],
    "a name that is an object": [{ toString: (): string => "text", valueOf: (): string => "value" }, nameOf],
    "a name that is an array": [["a", "b"], nameOf],
    "a name that is a Symbol": [Symbol("a"), nameOf],
    "a name that is an object without a prototype": [Object.create(null), nameOf],
    "a name that throws": [{ toString: throwing }, nameOf],
    "a name with a NUL": ["a\0b", nameOf],
    "a reserved name": ["-a", work],
    "a name that is a hyphen": ["-", work],
    "a name with a hyphen in it": ["a-", nameOf],
    "mode shared": ["a", { mode: "shared" }, modeOf],
    "mode exclusive": ["a", { mode: "exclusive" }, modeOf],
    "mode undefined": ["a", { mode: undefined }, modeOf],
    "mode null": ["a", { mode: null }, modeOf],
    "mode empty": ["a", { mode: "" }, modeOf],
    "mode of another case": ["a", { mode: "Shared" }, modeOf],
    "mode that is an object": ["a", { mode: { toString: (): string => "shared" } }, modeOf],
    "mode that is an array": ["a", { mode: ["shared"] }, modeOf],
    "mode that is a Symbol": ["a", { mode: Symbol("shared") }, modeOf],
    "mode that throws": [
      "a",
      {
        get mode() {
          return throwing();
        },
      },
      modeOf,
    ],
    "steal that is truthy": ["a", { steal: 1 }, modeOf],
    "steal that is falsy, and shared": ["a", { steal: 0, mode: "shared" }, modeOf],
    "steal and shared": ["a", { steal: "x", mode: "shared" }, modeOf],
    "steal and ifAvailable": ["a", { steal: {}, ifAvailable: [] }, modeOf],
    "steal and ifAvailable, both falsy": ["a", { steal: null, ifAvailable: "" }, modeOf],
    "steal and a signal": ["a", { steal: true, signal }, modeOf],
    "ifAvailable and a signal": ["a", { ifAvailable: true, signal }, modeOf],
    ifAvailable: ["a", { ifAvailable: "yes" }, modeOf],
    signal: ["a", { signal }, modeOf],
    "signal undefined": ["a", { signal: undefined }, modeOf],
    "signal null": ["a", { signal: null }, modeOf],
    "signal that is an object": ["a", { signal: { aborted: false } }, modeOf],
    "signal that is aborted": ["a", { signal: aborted }, modeOf],
    "all is wrong": ["-a", { steal: true, ifAvailable: true, mode: "both", signal: aborted }, null],
    "all is wrong but the types": ["-a", { steal: true, ifAvailable: true, mode: "shared", signal: aborted }, work],
    "a reserved name and an aborted signal": ["-a", { signal: aborted }, work],
    "steal, and a signal that is aborted": ["a", { steal: true, signal: aborted }, work],
    "a wrong mode and a wrong callback": ["a", { mode: "both" }, null],
    "a callback that throws": ["a", throwing],
    "a callback that rejects": ["a", () => Promise.reject(own)],
  };
  const outcomes: Record<string, unknown> = {};
  for (const [title, args] of Object.entries(conversions)) outcomes[title] = await ask(...args);

  const read: string[] = [];
  const options = new Proxy({}, { get: (_target, member) => void read.push(String(member)) });
  const name = { toString: () => (read.push("name"), "a") };
  outcomes["the order of conversions"] = [await ask(name, options, "no callback"), read];

  const one = fresh();
  const first = await hold(one, { mode: "shared" });
  const second = outcome(locks.request(one, async () => shapeOf(await locks.query())));
  const third = ask(one, { mode: "shared" }, modeOf);
  outcomes["what is held and waits"] = shapeOf(await locks.query());
  outcomes["ifAvailable behind one that waits"] = await ask(
    one,
    { ifAvailable: true, mode: "shared" },
    (lock: unknown) => lock,
  );
  const [copy, other] = [await locks.query(), await locks.query()];
  outcomes["copies"] = [copy.held === other.held, copy.held[0] === other.held[0], Object.keys(copy).sort()];
  first.finish();
  outcomes["in turn"] = [await first.released, await second, await third, shapeOf(await locks.query())];

  const two = fresh();
  const victim = await hold(two);
  const thief = await hold(two, { steal: true });
  outcomes["stolen"] = [await victim.released, shapeOf(await locks.query())];
  victim.finish();
  thief.finish();
  outcomes["thief"] = [await thief.released, shapeOf(await locks.query())];

  const [three, controller] = [fresh(), new AbortController()];
  const holder = await hold(three, { signal: controller.signal });
  const waiter = ask(three, { signal: controller.signal }, work);
  controller.abort("enough");
  outcomes["aborted"] = [await waiter, shapeOf(await locks.query())];
  holder.finish();
  outcomes["aborted while held"] = await holder.released;

  const [four, order] = [fresh(), [] as unknown[]];
  const asked = [1, 2, 3].map((n) => ask(four, { mode: n === 2 ? "exclusive" : "shared" }, () => order.push(n)));
  asked.push(ask(four, { ifAvailable: true }, (lock: unknown) => order.push(lock === null)));
  order.push("not in this turn");
  await Promise.all(asked);
  outcomes["the order of grants"] = order.filter((entry) => typeof entry !== "boolean");
  return outcomes;
}
