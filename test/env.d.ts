declare namespace Cloudflare {
  interface Env {
    DURABLE_LOCK: DurableObjectNamespace<import("../src/index.ts").DurableLock>;
    DURABLE_RENDEZVOUS: DurableObjectNamespace<import("../src/index.ts").DurableRendezvous>;
    LOCK_INDEX: DurableObjectNamespace<import("../src/service.ts").LockIndex>;
    DB: D1Database;
    BUCKET: R2Bucket;
    LEDGER: DurableObjectNamespace<import("../examples/fencing-token.ts").Ledger>;
  }
  interface GlobalProps {
    mainModule: typeof import("./worker.ts");
    durableNamespaces: "DurableLock" | "DurableRendezvous" | "Ledger";
  }
}
declare module "*.sql?raw" {
  const text: string;
  export default text;
}
