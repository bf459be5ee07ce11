declare namespace Cloudflare {
  interface Env {
    DURABLE_LOCK: DurableObjectNamespace<import("../src/index.ts").DurableLock>;
    LEDGER: DurableObjectNamespace<import("../examples/fencing-token.ts").Ledger>;
  }
  interface GlobalProps {
    mainModule: typeof import("./worker.ts");
    durableNamespaces: "DurableLock" | "Ledger";
  }
}
