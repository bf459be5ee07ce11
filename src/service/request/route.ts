import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { LIMITS } from "../../core/limits.ts";
import { MOST_BYTES_WITH_RESULT } from "../../wire/body-bounds.ts";
import { PROBLEMS } from "../../wire/problem.ts";
import type { Action } from "./access.ts";
import { atMost, forLock, jsonOnly, notExcessive } from "./admission.ts";
import type { Application, ServiceEnv } from "./context.ts";
import { refused } from "./problem-error.ts";
import { ProblemDetails } from "./schemas.ts";

/** Room for every argument at its longest, with every character escaped. */
const MOST_BYTES = 65_536;

const forArguments = [atMost(MOST_BYTES)];
const forResults = [atMost(MOST_BYTES_WITH_RESULT), notExcessive];

type Handled = (c: Context<ServiceEnv>) => Promise<Response>;

/** A route on one lock. */
interface LockRoute {
  action: Action;
  summary: string;
  answer: z.ZodType;
}

/** A route that takes a body. */
interface LockCall<B extends z.ZodType> extends LockRoute {
  name: string;
  body: B;
  /** Whether a body may contain the result of a job, which can be far larger than all arguments together. */
  hasResult?: boolean;
}

const params = z.object({
  id: z.string().openapi({
    description: `The lock's id, percent-encoded: any well-formed text of 1 to ${LIMITS.maxTextBytes} bytes of UTF-8, except "." and "..", which no URL can contain.`,
    example: "nightly-report",
  }),
});

const problem = { content: { "application/problem+json": { schema: ProblemDetails } } };
const statuses = [...new Set(Object.values(PROBLEMS).map(([status]) => status))].toSorted((a, b) => a - b);

/** Any route can answer with any of these: an unknown token or an unreachable lock does not depend on the route. */
export const problems = Object.fromEntries(
  statuses.map((status) => [status, { description: titlesOf(status), ...problem }]),
);

function titlesOf(status: number): string {
  const titles = Object.values(PROBLEMS).filter(([of]) => of === status);
  return `${titles.map(([, title]) => title).join("; or: ")}.`;
}

/** Adds `POST /v1/locks/{id}/{name}` to the service. */
export function onPost<B extends z.ZodType>(
  service: Application,
  { name, action, summary, body, answer, hasResult = false }: LockCall<B>,
  handle: (c: Context<ServiceEnv>, body: z.infer<B>) => Promise<Response>,
): void {
  const path = `/v1/locks/{id}/${name}`;
  const content = { "application/json": { schema: body } };
  const route = createRoute({
    method: "post",
    path,
    operationId: name,
    summary: `${summary} Needs the action "${action}".`,
    middleware: [forLock(action), jsonOnly, ...(hasResult ? forResults : forArguments)],
    request: { params, body: { required: true, content } },
    responses: { 200: described(answer), ...problems },
  });
  service.openapi(route, (c) => handle(c, c.req.valid("json" as never) as z.infer<B>));
  onlyBy(service, "POST", path);
}

/** Adds `GET /v1/locks/{id}{suffix}` to the service. */
export function onGet(
  service: Application,
  {
    suffix,
    action,
    summary,
    answer,
    query,
    type = "application/json",
  }: LockRoute & {
    suffix: string;
    query?: z.ZodObject;
    type?: string;
  },
  handle: Handled,
): void {
  const path = `/v1/locks/{id}${suffix}`;
  const route = createRoute({
    method: "get",
    path,
    operationId: suffix === "" ? "status" : suffix.slice(1),
    summary: `${summary} Needs the action "${action}".`,
    middleware: [forLock(action)] as const,
    request: { params, ...(query && { query }) },
    responses: { 200: described(answer, type), ...problems },
  });
  service.openapi(route, handle);
  onlyBy(service, "GET", path);
}

/** Refuses every other method. */
export function onlyBy(service: Application, method: string, path: string): void {
  service.all(path.replaceAll(/\{(\w+)\}/g, ":$1"), () => {
    throw refused("METHOD_NOT_ALLOWED", `Use ${method}.`, {}, { Allow: method });
  });
}

function described(schema: z.ZodType, type = "application/json") {
  return { description: "Done.", content: { [type]: { schema } } };
}
