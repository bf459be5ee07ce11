import type {
  Acquire,
  Asked,
  Cancel,
  HistoryClaim,
  Pause,
  Release,
  Renew,
  Run,
  Section,
  Step,
  Write,
} from "./records.ts";

/** Histories are told in few words: on one lock, by clients a and b, with a ttl of 1000, unless said otherwise. */
const lock = "lock";
const ttl = 1_000;

const EXCLUSIVE: HistoryClaim = { exclusive: true, permits: 1, capacity: 1 };
export const permitsOf = (permits: number, capacity: number | null): HistoryClaim => ({
  exclusive: false,
  permits,
  capacity,
});

/** A call that was sent at the first instant and answered at the second; with one instant it was never answered. */
type Span = readonly [invoked: number, answered?: number];

const spanOf = ([invoked, answered]: Span) => ({ invoked, ...(answered !== undefined && { answered }) });

/** A granted acquire; the request is named after the lease. */
export const granted = (lease: number, span: Span, more: Partial<Acquire> = {}): Acquire => ({
  kind: "acquire",
  lock,
  client: "a",
  requestId: `r${lease}`,
  claim: EXCLUSIVE,
  ttl,
  lease,
  ...spanOf(span),
  ...more,
});

/** An acquire that was never answered. */
export function unanswered(requestId: string, invoked: number): Acquire {
  const { lease: _, ...call } = granted(0, [invoked], { requestId });
  return call;
}

let renewals = 0;

export const renewed = (lease: number, span: Span, more: Partial<Renew> = {}): Renew => ({
  kind: "renew",
  lock,
  client: "a",
  requestId: `renewal-${(renewals += 1)}`,
  lease,
  ttl,
  ...spanOf(span),
  ...more,
});

export const released = (lease: number, span: Span, more: Partial<Release> = {}): Release => ({
  kind: "release",
  lock,
  client: "a",
  requestId: `release-${lease}`,
  lease,
  ...spanOf(span),
  ...more,
});

export const cancelled = (requestId: string, span: Span): Cancel => ({
  kind: "cancel",
  lock,
  client: "a",
  requestId,
  ...spanOf(span),
});

export const REFUSED = { refused: "NO_LONGER_VALID" };

/** A section whose steps each took a millisecond, unless their ends are given. */
export const section = (
  lease: number,
  steps: (number | readonly [checked: number, at: number])[],
  more: Partial<Section> = {},
): Section => ({
  kind: "section",
  lock,
  client: "a",
  lease,
  fenced: false,
  entered: 10,
  steps: steps.map((step): Step => (typeof step === "number" ? stepOf(step, step + 1) : stepOf(...step))),
  ...more,
});

const stepOf = (checked: number, at: number): Step => ({ checked, at });

export const paused = (client: string, from: number, to: number): Pause => ({ kind: "pause", client, from, to });

/** A write to a fenced resource. */
export const write = (order: number, lease: number, more: Partial<Write> = {}): Write => ({
  kind: "write",
  resource: "file",
  lock,
  client: "a",
  lease,
  fenced: true,
  order,
  accepted: true,
  checked: order,
  ...more,
});

/** A run of the job, which comes to a value if it ends. */
export const run = (value: string, began: number, ended?: number): Run => ({
  kind: "run",
  key: "job",
  client: value,
  lease: 1,
  began,
  ...(ended !== undefined && { ended, value }),
});

/** A call for the job's result, which is stored for 1000. */
export const asked = (client: string, span: Span, value?: string): Asked => ({
  kind: "asked",
  key: "job",
  client,
  retain: 1_000,
  ...spanOf(span),
  ...(value !== undefined && { value }),
});
