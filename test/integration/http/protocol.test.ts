import { expect, it } from "vitest";
import { PROTOCOL } from "../../../src/core/protocol.ts";
import { PROTOCOL_HEADER } from "../../../src/wire/protocol.ts";
import { connectOver } from "../../support/http.ts";
import { failureOf, freshId } from "../../support/locks.ts";

const unnumbered = (answer: Response) => {
  const headers = new Headers(answer.headers);
  headers.delete(PROTOCOL_HEADER);
  return new Response(answer.body, { status: answer.status, headers });
};

it("A request names the protocol of its client.", async () => {
  const named: (string | null)[] = [];
  const { lock } = connectOver((request, serve) => {
    named.push(request.headers.get(PROTOCOL_HEADER));
    return serve(request);
  });
  await lock(freshId()).withLock(() => {});
  await lock(freshId()).status();
  expect(new Set(named)).toEqual(new Set([String(PROTOCOL)]));
});

it("An answer of a service that names no protocol is a VERSION_MISMATCH, whether grant or refusal, and is not retried.", async () => {
  const id = freshId();
  await connectOver().lock(id).acquire(60_000);
  for (const asked of [id, freshId()]) {
    let calls = 0;
    const { lock } = connectOver(async (request, serve) => {
      calls += 1;
      return unnumbered(await serve(request));
    });
    expect(await failureOf(lock(asked).acquire(60_000, { requestId: "one" }))).toMatchObject({
      code: "VERSION_MISMATCH",
      message: `This client speaks protocol ${PROTOCOL}, and the service at https://locks.example speaks an older protocol that has no number. Update durable-locks in the service at https://locks.example, and deploy it.`,
    });
    expect(calls).toBe(1);
  }
});

it("Any answer of a service with the next protocol is a VERSION_MISMATCH that says to update the client.", async () => {
  for (const body of ["{}", "not JSON", JSON.stringify({ lease: 1, deadline: 1, validFor: 1 })]) {
    const headers = { [PROTOCOL_HEADER]: String(PROTOCOL + 1) };
    const { lock } = connectOver(async () => new Response(body, { headers }));
    expect(await failureOf(lock(freshId()).isLocked())).toMatchObject({
      code: "VERSION_MISMATCH",
      message: expect.stringContaining(`speaks protocol ${PROTOCOL + 1}. Update durable-locks in this client, and`),
    });
  }
});

it("The refusal of a proxy, which names no protocol, is an outage and not a VERSION_MISMATCH.", async () => {
  let refusals = 1;
  const { lock } = connectOver(async (request, serve) =>
    refusals-- > 0 ? new Response("Bad Gateway", { status: 502 }) : serve(request),
  );
  expect(await lock(freshId()).isLocked()).toBe(false);
});

it("If the service refuses because of its object's version, the error says so and what to deploy.", async () => {
  const problem = {
    type: "urn:durable-locks:VERSION_MISMATCH",
    title: "The versions are incompatible",
    status: 400,
    reason: "VERSION_MISMATCH",
    detail: "Deploy the objects.",
  };
  const headers = { [PROTOCOL_HEADER]: String(PROTOCOL), "Content-Type": "application/problem+json" };
  const { lock } = connectOver(async () => new Response(JSON.stringify(problem), { status: 400, headers }));
  expect(await failureOf(lock(freshId()).acquire(1_000))).toMatchObject({
    code: "VERSION_MISMATCH",
    message: "The lock service at https://locks.example refused: Deploy the objects.",
  });
});
