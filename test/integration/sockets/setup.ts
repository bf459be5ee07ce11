import type { TestProject } from "vitest/node";
import { startService, TOKEN } from "../../support/node/service.ts";

declare module "vitest" {
  interface ProvidedContext {
    url: string;
    token: string;
  }
}

/** Starts one service for all tests that do not harm it. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const service = await startService();
  provide("url", service.url);
  provide("token", TOKEN);
  return async () => service[Symbol.asyncDispose]();
}
