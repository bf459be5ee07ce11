// This library in a Worker. The bundler decides which commit "durable-locks" is.
import { type DurableLock, useDurableLock } from "durable-locks";
import { libraryContestant } from "../contestants/library.ts";
import { plainFetchContestant } from "../contestants/plain-fetch.ts";
import type { Order, Sample } from "../work/order.ts";
import { perform } from "../work/perform.ts";
import { answer } from "./answer.ts";
import { CountedNamespace } from "./counted-namespace.ts";

export { DurableLock } from "durable-locks";

interface Env {
  DURABLE_LOCK: DurableObjectNamespace<DurableLock>;
}

async function carryOut({ DURABLE_LOCK: namespace }: Env, order: Order): Promise<Sample> {
  if (order.way === "fetch")
    return perform(
      plainFetchContestant((id) => namespace.getByName(id)),
      order,
    );
  if (!order.counted)
    return perform(
      libraryContestant((id) => useDurableLock(namespace, id)),
      order,
    );
  const counted = new CountedNamespace(namespace);
  const contestant = libraryContestant(
    (id) => useDurableLock(counted.namespace, id),
    () => counted.calls,
  );
  return perform(contestant, order);
}

export default {
  fetch: (request, env) => answer(request, (order) => carryOut(env, order)),
} satisfies ExportedHandler<Env>;
