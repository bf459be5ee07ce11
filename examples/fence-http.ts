import { type DurableLock, fenceHeaders, isLockError, useDurableLock, verifyFence } from "durable-locks";

/** The caller: sends its lease number with each write. */
export async function setPrice(
  locks: DurableObjectNamespace<DurableLock>,
  shop: (request: Request) => Promise<Response>,
  product: string,
  price: number,
): Promise<number> {
  return useDurableLock(locks, product).withLock(async ({ lease, signal }) => {
    const headers = fenceHeaders(product, lease);
    const response = await shop(
      new Request("https://shop/price", { method: "PUT", body: `${price}`, headers, signal }),
    );
    return response.status;
  });
}

/** The service: it remembers the highest lease number of each resource, here in memory. */
export function priceService(prices: Map<string, number>): (request: Request) => Promise<Response> {
  const fences = new Map<string, number>();
  const advance = (resource: string, lease: number) => {
    const newest = Math.max(lease, fences.get(resource) ?? 0);
    fences.set(resource, newest);
    return newest;
  };
  return async (request) => {
    const price = Number(await request.text());
    try {
      const { resource } = await verifyFence(request.headers, advance);
      prices.set(resource, price);
      return new Response("ok");
    } catch (error) {
      if (isLockError(error, "STALE_LEASE")) return new Response(error.message, { status: 412 });
      if (isLockError(error, "INVALID_ARGUMENT")) return new Response(error.message, { status: 400 });
      throw error;
    }
  };
}
