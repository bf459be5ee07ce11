/**
 * A mark of the Worker request in which it was made; outside of Workers, of the whole process.
 *
 * It is an `AbortSignal`, because workerd lets only the request that made one look at it.
 */
export type RequestMark = AbortSignal;

export function markRequest(): RequestMark {
  return new AbortController().signal;
}

/** Whether this code runs in the request that the mark was made in. */
export function isThisRequest(mark: RequestMark): boolean {
  try {
    return !mark.aborted;
  } catch {
    // "Cannot perform I/O on behalf of a different request."
    return false;
  }
}
