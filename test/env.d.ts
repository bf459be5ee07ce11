declare namespace Cloudflare {
  interface Env {
    DURABLE_LOCK: DurableObjectNamespace<import("../src/index.ts").DurableLock>;
  }
  interface GlobalProps {
    mainModule: typeof import("./worker.ts");
    durableNamespaces: "DurableLock";
  }
}
