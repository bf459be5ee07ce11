/**
 * What the objects need from Cloudflare's runtime.
 *
 * Only this file imports it, so a substitute replaces only this file.
 */
export { DurableObject, RpcTarget } from "cloudflare:workers";
