import { connectLocks, isLockError, once, withLocks } from "durable-locks/client";
import { playScenario } from "../../../support/scenario.ts";

const locks = connectLocks({ url: location.origin, token: "a-token-for-the-browser" });
playScenario({ locks, tools: { isLockError, once, withLocks } }).then(
  () => (document.title = "all is well"),
  (error: unknown) => (document.title = String(error)),
);
