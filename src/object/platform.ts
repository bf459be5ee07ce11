/** What the objects take from Cloudflare's runtime: only this file imports it, so there is one file to stand in for. */
export { DurableObject, RpcTarget } from "cloudflare:workers";
