import type { LockIndex } from "../../object/lock-index.ts";
import { rpcStub } from "../../transport/rpc/rpc-stub.ts";

/** So many objects share the writing: a list of ids that are all new writes a row for each. */
const SHARDS = 16;

/** How long this isolate does not tell of an id again. */
const KNOWN_FOR = 43_200_000;

/** How many ids this isolate remembers to have listed. */
const MOST_KNOWN = 10_000;

/** The index as the service uses it: lists each id once, and tries again at its next use if that failed. */
export class IndexShards {
  readonly #namespace: DurableObjectNamespace<LockIndex>;
  readonly #known = new Map<string, number>();

  constructor(namespace: DurableObjectNamespace<LockIndex>) {
    this.#namespace = namespace;
  }

  /** Lists an id that is used; undefined if it was listed not long ago. */
  note(id: string): Promise<void> | undefined {
    const now = Date.now();
    if ((this.#known.get(id) ?? Number.NEGATIVE_INFINITY) > now - KNOWN_FOR) return undefined;
    this.#remember(id, now);
    return this.#shard(shardOf(segmentOf(id)), "add")
      .add(id)
      .catch((error: unknown) => {
        this.#known.delete(id);
        console.error("durable-locks: an id was not listed, and will be with its next use.", error);
      });
  }

  /** The first `limit` ids that begin with `prefix` and come after `after`, in the order of their characters. */
  async list(prefix: string, after: string, limit: number): Promise<string[]> {
    const shards = hasSegment(prefix) ? [shardOf(segmentOf(prefix))] : [...Array(SHARDS).keys()];
    const lists = await Promise.all(shards.map((shard) => this.#shard(shard, "list").list(prefix, after, limit)));
    return lists.flat().sort(byCodePoints).slice(0, limit);
  }

  #shard(shard: number, method: "add" | "list"): DurableObjectStub<LockIndex> {
    return rpcStub(this.#namespace, `shard-${shard}`, method);
  }

  #remember(id: string, now: number): void {
    this.#known.delete(id);
    this.#known.set(id, now);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}

const END_OF_SEGMENT = /[/:]/;

const hasSegment = (text: string) => END_OF_SEGMENT.test(text);

/** Up to the first slash or colon: ids that are listed together mostly have it in common. */
function segmentOf(id: string): string {
  return id.split(END_OF_SEGMENT, 1)[0] ?? "";
}

/** FNV-1a: where an id is listed must not change from version to version. */
function shardOf(segment: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(segment)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % SHARDS;
}

/** As SQLite compares UTF-8; JavaScript's own order differs beyond the basic plane, and would leave gaps between pages. */
function byCodePoints(one: string, other: string): number {
  const [left, right] = [Array.from(one), Array.from(other)];
  const at = left.findIndex((character, index) => character !== right[index]);
  if (at === -1) return left.length - right.length;
  return (left[at]?.codePointAt(0) ?? -1) - (right[at]?.codePointAt(0) ?? -1);
}
