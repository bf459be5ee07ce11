import { Card } from "./card.js";
import { find } from "./dom.js";
import { call, problemOf, token } from "./calls.js";

/** Without HTTP/2, a browser opens six connections to a server. One stays free for everything except streams. */
const MOST_FOLLOWED = 5;

/** @type {Map<string, Card>} */
const cards = new Map();

/** The followed ids. The address contains them, so that a visitor can share a link to them. */
const addressed = () => location.hash.slice(1).split("&").filter(Boolean).map(decoded);

/** Leaves a malformed part as it is: a link may be truncated or typed by hand. @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @param {string} id */
function follow(id) {
  if (cards.has(id)) return;
  const problem =
    cards.size >= MOST_FOLLOWED ? `You can follow ${MOST_FOLLOWED} locks at a time. Unfollow one first.` : "";
  find("#follow-problem").textContent = problem;
  if (problem) return;
  const card = new Card(id, { onUnfollow: () => unfollow(id), onSignedOut: signOut });
  cards.set(id, card);
  find("#locks").prepend(card.root);
  rewrite();
}

/** @param {string} id */
function unfollow(id) {
  const card = cards.get(id);
  card?.stop.abort();
  card?.root.remove();
  cards.delete(id);
  find("#follow-problem").textContent = "";
  rewrite();
  find("#id").focus();
}

function rewrite() {
  find("#empty").hidden = cards.size > 0;
  history.replaceState(null, "", `#${[...cards.keys()].map(encodeURIComponent).join("&")}`);
}

/** @param {string} problem */
function signOut(problem) {
  token.forget();
  const ids = location.hash;
  for (const id of cards.keys()) unfollow(id);
  history.replaceState(null, "", ids || "#");
  find("#inspector").hidden = true;
  find("#sign-out").hidden = true;
  find("#sign-in").hidden = false;
  find("#sign-in-problem").textContent = problem;
  find("#token").focus();
}

/** Lets the visitor in if the service knows the token. */
async function signIn() {
  const response = await call("v1/locks?limit=1").catch(() => undefined);
  if (!response) return signOut("The service could not be reached. Try again.");
  if (response.status === 401 || response.status === 503 || response.status === 429)
    return signOut(await problemOf(response));
  find("#sign-in-problem").textContent = "";
  find("#sign-in").hidden = true;
  find("#inspector").hidden = false;
  find("#sign-out").hidden = false;
  // Suggest ids from the index, if it is on.
  if (response.status !== 501) find("#id").addEventListener("input", suggest);
  for (const id of addressed()) follow(id);
  find("#id").focus();
}

async function suggest() {
  const { value } = /** @type {HTMLInputElement} */ (find("#id"));
  const response = await call(`v1/locks?limit=20&prefix=${encodeURIComponent(value)}`).catch(() => undefined);
  // Ignore an answer to an earlier text: it may arrive after the answer to the current one.
  if (!response?.ok || value !== /** @type {HTMLInputElement} */ (find("#id")).value) return;
  const { ids } = await response.json();
  const options = ids.map((/** @type {string} */ id) => Object.assign(document.createElement("option"), { value: id }));
  find("#ids").replaceChildren(...options);
}

// Visitors who have several services must see which one this is before they type a token.
find("#host").textContent = location.host;
document.title = `${location.host} – locks`;
find("#sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (find("#token"));
  token.keep(input.value.trim());
  input.value = "";
  void signIn();
});
find("#sign-out").addEventListener("click", () => signOut(""));
find("#follow").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (find("#id"));
  follow(input.value);
  input.value = "";
});
window.addEventListener("hashchange", () => {
  if (token.get()) for (const id of addressed()) follow(id);
});
setInterval(() => {
  for (const card of cards.values()) card.tick();
}, 250);
if (token.get()) void signIn();
