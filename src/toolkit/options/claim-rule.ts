import { invalid } from "../../core/checks.ts";

/** The claim in a caller's options, unchecked. */
interface ClaimOptions {
  permits: number | undefined;
  capacity: number | undefined;
}

/** How a kind of lock turns its caller's options into a claim. */
export type ClaimRule = (asked: ClaimOptions) => { permits?: number; capacity?: number };

/** The claim that the caller gives: exclusive, or permits of a capacity. */
export const asAsked: ClaimRule = ({ permits, capacity }) => ({
  ...(permits !== undefined && { permits }),
  ...(capacity !== undefined && { capacity }),
});

/** An exclusive claim: a writer. */
export const everything: ClaimRule = (asked) => {
  refuseBoth(asked, "this lock takes everything");
  return {};
};

/** One permit of unlimited capacity: a reader. */
export const oneOfMany: ClaimRule = (asked) => {
  refuseBoth(asked, "this lock takes one permit of any number");
  return { permits: 1, capacity: Number.POSITIVE_INFINITY };
};

/** Permits of a fixed capacity: a semaphore. */
export function outOf(capacity: number): ClaimRule {
  return ({ permits = 1, capacity: asked }) => {
    if (asked !== undefined) throw invalid("capacity", `the semaphore has ${capacity} permits: leave capacity out.`);
    return { permits, capacity };
  };
}

function refuseBoth({ permits, capacity }: ClaimOptions, what: string): void {
  if (permits !== undefined) throw invalid("permits", `${what}: leave permits out.`);
  if (capacity !== undefined) throw invalid("capacity", `${what}: leave capacity out.`);
}
