import { Bank } from "./bank.ts";
import { startLocalWorker } from "./local-worker.ts";
import { type Race, raceWithLock, raceWithoutLock } from "./scenes.ts";
import { View } from "./view.ts";

/** Many times longer than the demo takes, so that it can fail but never hang. */
const AT_MOST = 60_000;

const view = new View(process.stdout);

async function demo(): Promise<void> {
  view.line("Starting workerd with SQLite storage on this machine ...");
  await using worker = await startLocalWorker();

  const without = await raceWithoutLock(new Bank(worker.url, "unlocked"), view);
  const locked = await raceWithLock(new Bank(worker.url, "locked"), view);
  view.hide();

  view.title("                  expected   balance   lost updates");
  view.line(`  without a lock  ${row(without)}`);
  view.line(`  with withLock   ${row(locked)}`);
  if (without.lostUpdates <= 0) throw new Error("without the lock no update was lost, so nothing was shown");
  if (locked.balance !== locked.expected) throw new Error("with the lock the balance is wrong");
}

function row({ expected, balance, lostUpdates }: Race): string {
  return [String(expected).padStart(8), String(balance).padStart(9), String(lostUpdates).padStart(14)].join(" ");
}

/** Ends at once. However the process exits, wrangler then kills workerd and removes its files. */
function stop(code: number, why: string): never {
  view.hide();
  console.error(why);
  process.exit(code);
}

process.once("SIGINT", () => stop(130, "Interrupted."));
process.stdout.once("error", (error) => stop(1, `The output can't be written: ${error.message}`));
setTimeout(() => stop(1, `The demo did not end within ${AT_MOST / 1000} s.`), AT_MOST).unref();
try {
  await demo();
} catch (error) {
  view.hide();
  console.error(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
  // Not process.exit: wrangler may still be removing the Worker's files.
  process.exitCode = 1;
}
