import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import type { Survivors } from "./process-group.ts";
import type { EndReason } from "./reaper.ts";

/** What the command line tells its guard. Deadlines are on the machine's monotonic clock; null is none. */
export type ChannelOrder =
  | {
      order: "start";
      command: string;
      args: string[];
      grace: number;
      deadline: number | null;
      quiet: boolean;
      ignoreHangup: boolean;
    }
  | { order: "keep"; deadline: number | null }
  | { order: "stop"; why: EndReason; within: number };

/** What the guard answers. */
export type ChannelEvent =
  | { news: "ready" }
  | { news: "started"; pid: number }
  | { news: "failed"; code: string | undefined; message: string }
  | { news: "stopping"; why: EndReason }
  | { news: "exited"; code: number | null; signal: NodeJS.Signals | null }
  | { news: "stuck"; survivors: Survivors }
  | { news: "gone"; left: Survivors | null };

/** The file descriptor of the guard at which it listens. */
export const CHANNEL = 3;

/** Sends one message; the other side may have ended meanwhile, of which its end of the channel tells. */
export function send(channel: Duplex, message: ChannelOrder | ChannelEvent): void {
  if (channel.writable) channel.write(`${JSON.stringify(message)}\n`);
}

/** Calls `onMessage` with each message, which is of the other side's kind, and `onEnd` when the other side is gone. */
export function listen(channel: Duplex, onMessage: (message: never) => void, onEnd: () => void): void {
  channel.on("close", onEnd);
  // A reader of lines passes the errors of its input on; what follows is the close.
  const lines = createInterface({ input: channel }).on("error", () => {});
  channel.on("error", () => {});
  lines.on("line", (line) => onMessage(JSON.parse(line) as never));
}
