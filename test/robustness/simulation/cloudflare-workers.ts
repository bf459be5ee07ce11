/** Stands in for the module "cloudflare:workers": what the shipped object needs of it. */

/** Passed by reference over the simulated network. */
export class RpcTarget {
  readonly isRpcTarget = true;
}

export class DurableObject {
  readonly ctx: unknown;
  readonly env: unknown;

  constructor(ctx: unknown, env: unknown) {
    this.ctx = ctx;
    this.env = env;
  }
}
