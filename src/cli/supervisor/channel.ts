import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import type { Survivors } from "./process-group.ts";
import type { EndReason } from "./reaper.ts";

/** What the program tells its supervisor. Deadlines are on the machine's monotonic clock; null means no deadline. */
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

/** What the supervisor reports. */
export type ChannelEvent =
  | { event: "ready" }
  | { event: "started"; pid: number }
  | { event: "failed"; code: string | undefined; message: string }
  | { event: "stopping"; why: EndReason }
  | { event: "exited"; code: number | null; signal: NodeJS.Signals | null }
  | { event: "stuck"; survivors: Survivors }
  | { event: "gone"; left: Survivors | null };

/** The file descriptor on which the supervisor listens. */
export const CHANNEL = 3;

/** Sends one message. If the other side has ended meanwhile, does nothing: the end of the channel reports that. */
export function send(channel: Duplex, message: ChannelOrder | ChannelEvent): void {
  if (channel.writable) channel.write(`${JSON.stringify(message)}\n`);
}

/** Calls `onMessage` with each message from the other side, and `onEnd` when the other side is gone. */
export function listen(channel: Duplex, onMessage: (message: never) => void, onEnd: () => void): void {
  channel.on("close", onEnd);
  // A line reader passes on the errors of its input. Ignore them: the close follows.
  const lines = createInterface({ input: channel }).on("error", () => {});
  channel.on("error", () => {});
  lines.on("line", (line) => onMessage(JSON.parse(line) as never));
}
