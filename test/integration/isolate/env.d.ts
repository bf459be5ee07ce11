declare namespace Cloudflare {
  interface Env {
    DURABLE_LOCK: DurableObjectNamespace<import("../../../src/index.ts").DurableLock>;
    DURABLE_RENDEZVOUS: DurableObjectNamespace<import("../../../src/index.ts").DurableRendezvous>;
    KEEPER: DurableObjectNamespace<import("./keeper.ts").Keeper>;
    LOCKS: Fetcher;
    DB: D1Database;
    BUCKET: R2Bucket;
  }
}
