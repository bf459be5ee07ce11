import {
  DurableLock,
  DurableRendezvous,
  isLockError,
  once,
  useDurableLock,
  useLatch,
  useReadWriteLock,
  useSemaphore,
  webLocks,
  withLocks,
} from "durable-locks";
import { createLockService } from "durable-locks/service";
import { check, newId, playScenario } from "../../../support/scenario.ts";

export { DurableLock, DurableRendezvous };

interface Env {
  DURABLE_LOCK: DurableObjectNamespace<DurableLock>;
  DURABLE_RENDEZVOUS: DurableObjectNamespace<DurableRendezvous>;
}

/** `/play` plays the scenario on the bindings; everything else is the lock service, for a page to play it over HTTP. */
export default {
  async fetch(request, env): Promise<Response> {
    if (new URL(request.url).pathname !== "/play")
      return createLockService({ lock: env.DURABLE_LOCK, tokens: "a-token-for-the-browser" }).fetch(request);
    try {
      await play(env);
      return new Response("all is well");
    } catch (error) {
      return new Response(String((error as Error).stack), { status: 500 });
    }
  },
} satisfies ExportedHandler<Env>;

async function play({ DURABLE_LOCK, DURABLE_RENDEZVOUS }: Env): Promise<void> {
  const locks = {
    lock: (id: string) => useDurableLock(DURABLE_LOCK, id),
    semaphore: (id: string, options: { permits: number }) => useSemaphore(DURABLE_LOCK, id, options),
    readWriteLock: (id: string) => useReadWriteLock(DURABLE_LOCK, id),
    webLocks: () => webLocks(DURABLE_LOCK),
  };
  await playScenario({ locks, tools: { isLockError, once, withLocks } });
  const released = await locks.lock(newId("releaseOnExit")).withLock(({ lease }) => lease, { releaseOnExit: true });
  check("a lock that is released when its holder's context ends", released > 0);
  const latch = useLatch(DURABLE_RENDEZVOUS, newId("latch"), { count: 1 });
  await latch.countDown();
  await latch.wait();
}
