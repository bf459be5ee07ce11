import type { z } from "@hono/zod-openapi";
import { UNLIMITED } from "../../wire/numbers.ts";
import { type ProblemError, refused } from "./problem-error.ts";

type Issue = z.core.$ZodIssue;

/** Names the wrong argument of a body or query, and the limit. Never repeats a value, which may be secret. */
export function badArgument({ issues: [issue] }: z.ZodError): ProblemError {
  if (issue?.code === "unrecognized_keys") {
    const [name = ""] = issue.keys;
    const argument = name.slice(0, 40);
    return refused("INVALID_ARGUMENT", `${argument} is unknown here: see /openapi.json.`, { argument });
  }
  const argument = issue?.path.join(".") || "body";
  return refused("INVALID_ARGUMENT", `${argument} ${issue ? requirementOf(issue) : "is wrong"}.`, { argument });
}

function requirementOf(issue: Issue): string {
  switch (issue.code) {
    case "too_small":
      return issue.origin === "string" ? "must not be empty" : `must be ${issue.minimum} or more`;
    case "too_big":
      return `must be ${issue.maximum}${issue.origin === "string" ? " characters" : ""} or less`;
    case "invalid_union":
      return `must be a whole number within its bounds, or "${UNLIMITED}"`;
    case "invalid_type":
      return `must be ${issue.expected === "int" ? "a whole number" : `of type ${issue.expected}`}`;
    default:
      return issue.message;
  }
}
