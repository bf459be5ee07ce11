/** A random id for a request, so that repeating it has no second effect. */
export const newRequestId = () => crypto.randomUUID();
