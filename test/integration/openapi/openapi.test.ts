import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { DevService } from "../../cli/service.ts";
import { type Document, type Operation, type Schema, closed } from "./document.ts";
import { bodiesOf, valuesOf } from "./requests.ts";

const RUNS = 60;
const TOKEN = "token-that-may-do-all-things";

/** The defaults of a schema's properties, those of objects in it included. */
function defaultsIn(properties: Record<string, Schema>): Record<string, unknown> {
  const defaults: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(properties)) {
    if (schema.default !== undefined) defaults[name] = schema.default;
    Object.assign(defaults, defaultsIn(schema.properties ?? {}));
  }
  return defaults;
}

describe("The OpenAPI document", () => {
  let service: DevService;
  let document: Document;
  before(async () => {
    service = await DevService.start(TOKEN);
    document = (await (await fetch(`${service.url}/openapi.json`)).json()) as Document;
  });
  after(() => service[Symbol.asyncDispose]());

  const call = (path: string, init: RequestInit = {}) =>
    fetch(service.url + path, {
      ...init,
      headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
    });

  const held = async (lock: string) => {
    const body = JSON.stringify({ ttl: 86_400_000, permits: 1, capacity: 3 });
    const { lease } = (await (await call(`${lock}/acquire`, { method: "POST", body })).json()) as { lease: number };
    return lease;
  };

  const stateOf = async (lock: string) => {
    const { holders, waiters } = (await (await call(lock)).json()) as { holders: unknown; waiters: unknown };
    return { holders, waiters };
  };

  test("The document is valid OpenAPI 3.1.", async () => {
    const { valid, errors } = await new Validator().validate(
      structuredClone(document) as unknown as Record<string, unknown>,
    );
    assert.deepEqual([valid, errors], [true, undefined]);
    assert.match(document.openapi, /^3\.1\./);
  });

  test("The document describes each route.", () => {
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path.replace("/v1/locks", "")}`),
    );
    assert.deepEqual(routes.toSorted(), [
      "get ",
      "get /{id}",
      "get /{id}/events",
      "post /{id}/acquire",
      "post /{id}/cancel",
      "post /{id}/convert",
      "post /{id}/force-release",
      "post /{id}/release",
      "post /{id}/renew",
      "post /{id}/request-release",
    ]);
  });

  test("Any request gets a described status and body, never a 500, and a refused request changes no lock.", async () => {
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    ajv.addSchema({ $id: "document", ...(closed(document) as Document) });
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
    const statuses = new Map<number, number>();
    let made = 0;
    const check = async (
      path: string,
      method: string,
      operation: Operation,
      { query, text, sent, isHeld }: { query: string; text: string; sent: string | undefined; isHeld: boolean },
    ) => {
      made += 1;
      const id = `fuzz/${made}/%2F"\u{1f512}${text}`;
      const lock = `/v1/locks/${encodeURIComponent(id)}`;
      const lease = isHeld ? await held(lock) : undefined;
      const found = await stateOf(lock);
      const body = withWholePoll(lease === undefined ? sent : withLease(sent, lease));
      const where = path.replace("{id}", () => encodeURIComponent(id)) + query;
      const response = await call(where, { method: method.toUpperCase(), ...(body !== undefined && { body }) });
      const { status } = response;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const [type = ""] = (response.headers.get("Content-Type") ?? "").split(";");
      const described = operation.responses[status]?.content?.[type];
      assert.ok(described, `${method} ${where} answered ${status} with ${type}, which is not described`);
      assert.notEqual(status, 500, `${method} ${where} with ${body}`);
      if (type === "text/event-stream") return response.body?.cancel();
      const answer: unknown = await response.json();
      const pointer = `#/paths/${escaped(path)}/${method}/responses/${status}/content/${escaped(type)}/schema`;
      const fits = ajv.getSchema(`document${pointer}`);
      assert.ok(fits?.(answer), `${method} ${where}: ${JSON.stringify(answer)} ${JSON.stringify(fits?.errors)}`);
      if (status >= 400) assert.deepEqual(await stateOf(lock), found);
    };
    await Promise.all(
      operations.map(({ path, method, operation }) => {
        const schema = operation.requestBody?.content["application/json"]?.schema;
        const bodies = schema ? bodiesOf(document, schema) : fc.constant(undefined);
        const ids = fc.string({ unit: "grapheme", maxLength: 40 });
        const requests = fc.record({
          query: queriesOf(document, operation),
          text: ids,
          sent: bodies,
          isHeld: fc.boolean(),
        });
        const property = fc.asyncProperty(requests, (request) => check(path, method, operation, request));
        return fc.assert(property, { numRuns: RUNS, endOnFailure: true });
      }),
    );
    console.log(`${made} requests:`, Object.fromEntries(statuses));
    for (const status of [200, 400, 410]) assert.ok(statuses.has(status), `there is a ${status} among them`);
  });

  test("The service accepts every default that the document states.", async () => {
    const stated: string[] = [];
    for (const name of ["acquire", "convert", "renew", "release"]) {
      const schema = document.components.schemas[name.charAt(0).toUpperCase() + name.slice(1)];
      for (const [option, value] of Object.entries(defaultsIn(schema?.properties ?? {}))) {
        const lock = `/v1/locks/default-${name}-${option}`;
        const lease = name === "acquire" ? undefined : await held(lock);
        const given = { [option]: value, ...(option === "permits" && { capacity: 3 }) };
        const result = option === "failed" ? { result: { retain: 1, ...given } } : given;
        const body = JSON.stringify({
          ...(name !== "release" && name !== "convert" && { ttl: 5_000 }),
          lease,
          ...result,
        });
        assert.equal((await call(`${lock}/${name}`, { method: "POST", body })).status, 200, `${name} ${body}`);
        stated.push(`${name} ${option}`);
      }
    }
    const acquire = ["wait", "longPoll", "waited", "permits", "lockDelay", "steal"].map(
      (option) => `acquire ${option}`,
    );
    assert.deepEqual(stated, [...acquire, "convert permits", "release failed"]);
  });
});

/** Puts in a live lease, and a short wait, because the request waits behind that lease. */
function withLease(body: string | undefined, lease: number): string | undefined {
  return body?.replace(/"lease":\d+/, `"lease":${lease}`).replace(/"wait":(\d+|"unlimited")/, '"wait":5');
}

/** A shorter long poll would leave a queue entry: behind a lease, or on a free lock if it claims an older wait. */
function withWholePoll(body: string | undefined): string | undefined {
  return body?.replace(/"longPoll":\d+/, '"longPoll":25000');
}

/** A query with the described parameters, valid or not. A wait is short, because the test waits for it. */
function queriesOf(document: Document, { parameters = [] }: Operation): fc.Arbitrary<string> {
  const inQuery = parameters.filter((parameter) => parameter.in === "query");
  const fields = inQuery.map(({ name, schema }) => [
    name,
    name === "wait"
      ? fc.constantFrom("0", "5", "x", "-1")
      : fc.oneof(valuesOf(document, schema).map(String), fc.string({ maxLength: 10 })),
  ]);
  return fc
    .record(Object.fromEntries(fields) as Record<string, fc.Arbitrary<string>>, { requiredKeys: [] })
    .map((query) => {
      const wellFormed = Object.entries(query).map(([name, value = ""]) => [name, value.toWellFormed()]);
      return wellFormed.length > 0 ? `?${String(new URLSearchParams(wellFormed))}` : "";
    });
}

const escaped = (part: string) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
