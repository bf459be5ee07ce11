// The rows of a card's lists. The page makes each row once, and then updates what changes with time.

import { element, find, lengthOf } from "./dom.js";
import { longText } from "./long-text.js";

/** @typedef {import("../wire/status.ts").WireHolder} Holder */

/** @param {string} owner @param {string} before @param {...HTMLElement} rest */
export function row(owner, before, ...rest) {
  const item = element("li", "");
  const who = element("span", "who", before);
  const shown = element("span", "");
  const tools = element("span", "tools");
  tools.append(...longText("name", owner, shown));
  who.append(shown, element("span", "more"), tools);
  item.append(who, ...rest);
  return item;
}

/** @param {Holder} holder */
export function holderRow({ owner, lease }) {
  const texts = [
    element("span", "lease", `lease ${lease}`),
    ...["when", "left", "renewed"].map((name) => element("span", name)),
  ];
  const bar = element("progress", "");
  // The text beside the bar says the same.
  bar.setAttribute("aria-hidden", "true");
  return row(owner ?? "unnamed", "", ...texts, bar);
}

/** @param {Element} item @param {Holder} holder @param {number} now */
export function moveHolder(
  item,
  { since, ttl, renewedAt, deadline, releaseRequested, exclusive, permits, capacity },
  now,
) {
  const share = exclusive ? "" : ` (${permits} of ${capacity})`;
  find(".more", item).textContent = `${share}${releaseRequested ? ", asked to release" : ""}`;
  find(".when", item).textContent = `held ${lengthOf(now - since)}`;
  find(".left", item).textContent = now < deadline ? `${lengthOf(deadline - now)} left` : "expired";
  find(".renewed", item).textContent = renewalOf(since, renewedAt, now);
  const bar = /** @type {HTMLProgressElement} */ (find("progress", item));
  // An object with an older version does not report the ttl, and without it the bar has no scale.
  bar.hidden = ttl === undefined;
  bar.value = Math.min(1, Math.max(0, deadline - now) / (ttl ?? 1));
}

/** @param {number} since @param {number | undefined} renewedAt @param {number} now */
function renewalOf(since, renewedAt, now) {
  if (renewedAt === undefined) return "";
  return renewedAt > since ? `last renewed ${lengthOf(now - renewedAt)} ago` : "not renewed yet";
}
