import type { Order, Sample } from "../work/order.ts";

/** Carries out the order in the body of a request. An error goes back as text, so that the run can show it. */
export async function answer(request: Request, carryOut: (order: Order) => Promise<Sample>): Promise<Response> {
  try {
    return Response.json(await carryOut(await request.json<Order>()));
  } catch (error) {
    return new Response(error instanceof Error ? (error.stack ?? error.message) : String(error), { status: 500 });
  }
}
