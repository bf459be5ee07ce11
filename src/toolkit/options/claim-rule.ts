import { invalid } from "../../core/checks.ts";

/** What a caller asks to take, unchecked. */
interface Asked {
  permits: number | undefined;
  capacity: number | undefined;
}

/** What a kind of lock takes of what its caller asks for. */
export type ClaimRule = (asked: Asked) => { permits?: number; capacity?: number };

/** As the caller says: exclusive, or permits out of a capacity. */
export const asAsked: ClaimRule = ({ permits, capacity }) => ({
  ...(permits !== undefined && { permits }),
  ...(capacity !== undefined && { capacity }),
});

/** Everything: a writer. */
export const everything: ClaimRule = (asked) => {
  refuseBoth(asked, "this lock takes everything");
  return {};
};

/** One of any number: a reader. */
export const oneOfMany: ClaimRule = (asked) => {
  refuseBoth(asked, "this lock takes one permit of any number");
  return { permits: 1, capacity: Number.POSITIVE_INFINITY };
};

/** Some out of a fixed number: a semaphore. */
export function outOf(capacity: number): ClaimRule {
  return ({ permits = 1, capacity: asked }) => {
    if (asked !== undefined) throw invalid("capacity", `the semaphore has ${capacity} permits: leave capacity out.`);
    return { permits, capacity };
  };
}

function refuseBoth({ permits, capacity }: Asked, what: string): void {
  if (permits !== undefined) throw invalid("permits", `${what}: leave permits out.`);
  if (capacity !== undefined) throw invalid("capacity", `${what}: leave capacity out.`);
}
