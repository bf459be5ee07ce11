const KEPT_AS = "durable-locks token";

/** The token, for as long as this tab is open. */
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

/** What a refusal says. @param {Response} response */
export async function problemOf(response) {
  const problem = await response.json().catch(() => ({}));
  return String(problem.detail ?? `The service answered ${response.status}.`);
}

/** Sends JSON. @param {string} path @param {object} body */
export function post(path, body) {
  return call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

/** Not `crypto.randomUUID`, which a page lacks that was loaded over plain http from another machine. */
export function newRequestId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
