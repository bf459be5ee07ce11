import { expect, it } from "vitest";
import { dailyReport, deploy } from "../../examples/remote-job.ts";
import { connectOver } from "../support/http.ts";
import { freshId } from "../support/locks.ts";

const connection = connectOver();

it("The deployment example outside of Workers deploys one at a time.", async () => {
  const environment = freshId();
  let running = 0;
  let most = 0;
  const upload = async () => {
    most = Math.max(most, (running += 1));
    await connection.lock(`deploy/${environment}`).isLocked();
    running -= 1;
  };
  const done = await Promise.all(Array.from({ length: 5 }, () => deploy(connection, environment, upload)));
  expect(done).toEqual(Array.from({ length: 5 }, () => "deployed"));
  expect(most).toBe(1);
});

it("The report example makes the report once and gives it to all.", async () => {
  const day = freshId();
  let made = 0;
  const make = async () => ({ rows: (made += 1) });
  expect(await Promise.all([1, 2, 3].map(() => dailyReport(connection, day, make)))).toEqual([1, 1, 1]);
});
