/** What is known of the result of a job that runs once, besides the result itself. */
export interface ResultInfo {
  /** The lease under which the job ran. */
  lease: number;
  /** The fingerprint of its payload, "" for none. */
  fingerprint: string;
  /** Whether the job failed, and what is kept is why. */
  failed: boolean;
  /** How long it is kept, in milliseconds. */
  retain: number;
  /** Until when it is kept, by the object's clock. */
  keptUntil: number;
}

/** Whether two fingerprints tell that the same key was used for another payload. */
export function isOtherPayload(fingerprint: string, other: string | undefined): boolean {
  return fingerprint !== "" && other !== undefined && other !== "" && fingerprint !== other;
}
