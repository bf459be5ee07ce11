const KEPT_AS = "durable-locks token";

/** The token. The browser keeps it while this tab is open. */
export const token = {
  get: () => sessionStorage.getItem(KEPT_AS),
  /** @param {string} value */
  keep: (value) => sessionStorage.setItem(KEPT_AS, value),
  forget: () => sessionStorage.removeItem(KEPT_AS),
};

/** @param {string} path @param {Omit<RequestInit, "headers"> & { headers?: Record<string, string> }} [init] */
export function call(path, init = {}) {
  const headers = { ...init.headers, Authorization: `Bearer ${token.get()}` };
  return fetch(new URL(path, document.baseURI), { ...init, headers });
}

/** The message of a refusal. @param {Response} response */
export async function problemOf(response) {
  const problem = await response.json().catch(() => ({}));
  return String(problem.detail ?? `The service answered ${response.status}.`);
}

/** Sends JSON. @param {string} path @param {object} body */
export function post(path, body) {
  return call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

/** Does not use `crypto.randomUUID`: a page that comes over plain http from another machine does not have it. */
export function newRequestId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
