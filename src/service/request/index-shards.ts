import type { LockIndex } from "../../object/lock-index.ts";
import type { PlacedObjects } from "../../transport/rpc/placement.ts";
import { rpcStub } from "../../transport/rpc/rpc-stub.ts";

/** How many objects share the writes of the index: each new id is a row to write. */
const SHARDS = 16;

/** How long this isolate does not list an id again, in milliseconds. */
const KNOWN_FOR = 43_200_000;

/** How many listed ids this isolate remembers. */
const MOST_KNOWN = 10_000;

/** The index as the service uses it. It lists each id once; if that fails, it tries again when the id is next used. */
export class IndexShards {
  readonly #objects: PlacedObjects<LockIndex>;
  readonly #known = new Map<string, number>();

  constructor(objects: PlacedObjects<LockIndex>) {
    this.#objects = objects;
  }

  /** Lists an id that is in use; undefined if this isolate listed it recently. */
  note(id: string): Promise<void> | undefined {
    const now = Date.now();
    if ((this.#known.get(id) ?? Number.NEGATIVE_INFINITY) > now - KNOWN_FOR) return undefined;
    this.#remember(id, now);
    return this.#shard(shardOf(segmentOf(id)), "add")
      .add(id)
      .catch((error: unknown) => {
        this.#known.delete(id);
        console.error("durable-locks: an id could not be listed. Its next use tries again.", error);
      });
  }

  /** The first `limit` ids that begin with `prefix` and come after `after`, in code point order. */
  async list(prefix: string, after: string, limit: number): Promise<string[]> {
    const shards = hasSegment(prefix) ? [shardOf(segmentOf(prefix))] : [...Array(SHARDS).keys()];
    const lists = await Promise.all(shards.map((shard) => this.#shard(shard, "list").list(prefix, after, limit)));
    return lists.flat().sort(byCodePoints).slice(0, limit);
  }

  #shard(shard: number, method: "add" | "list"): DurableObjectStub<LockIndex> {
    return rpcStub(this.#objects, `shard-${shard}`, method);
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

/** The part before the first slash or colon: ids that are listed together mostly share it. */
function segmentOf(id: string): string {
  return id.split(END_OF_SEGMENT, 1)[0] ?? "";
}

/** FNV-1a. The shard of an id must never change from version to version. */
function shardOf(segment: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(segment)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % SHARDS;
}

/** Compares as SQLite compares UTF-8. JavaScript's order differs beyond the basic plane, so pages would have gaps. */
function byCodePoints(one: string, other: string): number {
  const [left, right] = [Array.from(one), Array.from(other)];
  const at = left.findIndex((character, index) => character !== right[index]);
  if (at === -1) return left.length - right.length;
  return (left[at]?.codePointAt(0) ?? -1) - (right[at]?.codePointAt(0) ?? -1);
}
