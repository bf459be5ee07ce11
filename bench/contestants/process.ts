// A process that contains one contestant, as its users run it. It gets orders from its parent, and answers with samples.
import type { Order } from "../work/order.ts";
import { perform } from "../work/perform.ts";
import type { Contestant } from "./contestant.ts";
import type { HttpSetting } from "./http.ts";

/** Which contestant the process contains. */
export type Setting =
  | { kind: "redlock" | "redis-semaphore"; port: number }
  | { kind: "async-mutex" }
  | ({ kind: "http" } & HttpSetting)
  | { kind: "empty-post"; url: string }
  | { kind: "posts"; url: string; token: string };

// Each is imported only by the process that uses it, so that no process has the memory of another's packages.
async function contestantOf(setting: Setting): Promise<Contestant> {
  switch (setting.kind) {
    case "redlock":
      return (await import("./redlock.ts")).redlockContestant(setting.port);
    case "redis-semaphore":
      return (await import("./redis-semaphore.ts")).redisSemaphoreContestant(setting.port);
    case "async-mutex":
      return (await import("./async-mutex.ts")).asyncMutexContestant();
    case "http":
      return (await import("./http.ts")).httpContestant(setting);
    case "empty-post":
      return (await import("./empty-post.ts")).emptyPostContestant(setting.url);
    default:
      return (await import("./posts.ts")).postsContestant(setting.url, setting.token);
  }
}

const contestant = await contestantOf(JSON.parse(process.argv[2] ?? "") as Setting);
process.on("message", (order: Order) => {
  void perform(contestant, order)
    .then(
      (sample) => ({ sample }),
      (error: Error) => ({ error: error.stack }),
    )
    .then((answer) => process.send?.(answer));
});
// The parent is gone, or has finished.
process.on("disconnect", () => process.exit());
process.send?.({ sample: {} });
