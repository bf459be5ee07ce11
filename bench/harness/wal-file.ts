import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const FILE_HEADER = 32;
const FRAME_HEADER = 24;

/** How many frames the valid part of a write-ahead log has, and the bytes of one. */
interface Frames {
  /** Changes when SQLite begins the log again from its start. */
  salt: string;
  count: number;
  bytes: number;
}

/** The write-ahead log of an object: what SQLite appends for each commit. */
export class WalFile {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Counts the frames that a call appends. */
  async during(call: () => Promise<unknown>): Promise<{ frames: number; bytes: number }> {
    const before = this.#read();
    await call();
    const after = this.#read();
    const frames = after.salt === before.salt ? after.count - before.count : after.count;
    return { frames, bytes: frames * after.bytes };
  }

  #read(): Frames {
    const path = this.#path();
    const file = path === undefined ? Buffer.alloc(0) : readFileSync(path);
    if (file.length < FILE_HEADER) return { salt: "", count: 0, bytes: 0 };
    const bytes = FRAME_HEADER + file.readUInt32BE(8);
    const salt = file.subarray(16, 24);
    let count = 0;
    // Frames of an earlier pass through the log follow the valid ones, with other salts.
    for (let at = FILE_HEADER; at + bytes <= file.length; at += bytes) {
      if (!file.subarray(at + 8, at + 16).equals(salt)) break;
      count += 1;
    }
    return { salt: salt.toString("hex"), count, bytes };
  }

  /** The log of the only object in the folder. */
  #path(): string | undefined {
    const files = readdirSync(this.#folder, { recursive: true, encoding: "utf8" });
    const logs = files.filter((file) => file.endsWith(".sqlite-wal") && !file.includes("metadata"));
    if (logs.length > 1) throw new Error(`There are several objects: ${logs.join(", ")}.`);
    return logs[0] === undefined ? undefined : join(this.#folder, logs[0]);
  }
}
