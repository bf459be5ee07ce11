import { type DurableLock, isLockError, once, useDurableLock } from "durable-locks";

/** An event that a payment provider sends at least once. */
export interface PaymentEvent {
  id: string;
  order: string;
  cents: number;
}

/** A webhook that books each event once, however often it arrives and on however many machines. */
export async function onPayment(
  locks: DurableObjectNamespace<DurableLock>,
  event: PaymentEvent,
  book: (event: PaymentEvent, fencingToken: number) => Promise<{ receipt: string }>,
): Promise<Response> {
  const key = useDurableLock(locks, `payment:${event.id}`);
  try {
    const receipt = await once(key, ({ lease }) => book(event, lease), {
      fingerprint: JSON.stringify([event.order, event.cents]),
      retain: 7 * 86_400_000,
      wait: 20_000,
    });
    return Response.json(receipt);
  } catch (error) {
    if (isLockError(error, "FINGERPRINT_MISMATCH")) return new Response("Same id, other payment.", { status: 422 });
    // Another call is still booking this event: let the provider ask again.
    if (isLockError(error, "LOCK_TIMEOUT")) return new Response("In progress.", { status: 409 });
    throw error;
  }
}
