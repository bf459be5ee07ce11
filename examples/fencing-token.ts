import { DurableObject } from "cloudflare:workers";

/** A resource that protects itself: it takes no write under a lease older than the newest it has seen. */
export class Ledger extends DurableObject {
  /** Writes a value; false if a newer lease has written before, and then nothing is changed. */
  write(lease: number, value: string): boolean {
    const newest = this.ctx.storage.kv.get<number>("lease") ?? 0;
    if (lease < newest) return false;
    this.ctx.storage.kv.put("lease", lease);
    this.ctx.storage.kv.put("value", value);
    return true;
  }

  /** The value written last. */
  read(): string | undefined {
    return this.ctx.storage.kv.get<string>("value");
  }
}
