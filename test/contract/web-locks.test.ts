import { env } from "cloudflare:workers";
import { webLocks } from "../../src/index.ts";
import { faultyNamespace, losingFirstReplies } from "../support/faulty-namespace.ts";
import { connectOver } from "../support/http.ts";
import { describeWebLocks } from "./web-locks-contract.ts";

const connection = connectOver();

describeWebLocks("RPC", { make: () => webLocks(env.DURABLE_LOCK), keepsOrder: true });
describeWebLocks("RPC that loses the first reply to everything", {
  make: () => webLocks(faultyNamespace(losingFirstReplies()).namespace),
  keepsOrder: true,
});
describeWebLocks("HTTP", { make: () => connection.webLocks(), keepsOrder: false });
