// The page's own small vocabulary.

/** @type {<T extends Element = HTMLElement>(selector: string, within?: ParentNode) => T} */
export const find = (selector, within = document) => {
  const found = within.querySelector(selector);
  if (!found) throw new Error(`${selector} is missing`);
  return /** @type {any} */ (found);
};

/** Text only: whatever an owner calls itself, it is never markup. @param {string} tag @param {string} name @param {string} [text] */
export function element(tag, name, text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

/** @param {string} text @param {...HTMLElement} rest */
export function row(text, ...rest) {
  const item = element("li", "");
  item.append(element("span", "who", text), ...rest);
  return item;
}

/** @param {number} ms */
export function lengthOf(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  if (hours > 0) return `${hours} h ${two(minutes)} min`;
  return minutes > 0 ? `${minutes} min ${two(seconds % 60)} s` : `${seconds} s`;
}
