// The page's own DOM helpers.

/** @type {<T extends Element = HTMLElement>(selector: string, within?: ParentNode) => T} */
export const find = (selector, within = document) => {
  const found = within.querySelector(selector);
  if (!found) throw new Error(`${selector} is missing`);
  return /** @type {any} */ (found);
};

/**
 * Makes an element with text. The text is never parsed as markup, whatever an owner calls itself.
 *
 * @param {string} tag @param {string} name @param {string} [text]
 */
export function element(tag, name, text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

/** @param {string} name @param {string} text @param {() => unknown} onClick */
export function button(name, text, onClick) {
  const made = /** @type {HTMLButtonElement} */ (element("button", name, text));
  made.type = "button";
  made.addEventListener("click", () => void onClick());
  return made;
}

/** Announces a text to people who use a screen reader. @param {string} text */
export function say(text) {
  find("#said").textContent = text;
}

/**
 * Puts rows into a list. A row whose key was already there stays: a visitor may read it, or it may have the focus.
 *
 * @param {HTMLElement} list @param {{ key: string, make: () => HTMLElement }[]} entries
 */
export function fill(list, entries) {
  const before = Map.groupBy(/** @type {Iterable<HTMLElement>} */ (list.children), ({ dataset }) => dataset["key"]);
  const rows = entries.map(({ key, make }) => {
    const row = before.get(key)?.shift() ?? make();
    row.dataset["key"] = key;
    return row;
  });
  for (const gone of before.values()) for (const row of gone) row.remove();
  for (const [index, row] of rows.entries())
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
}

/** @param {number} ms */
export function lengthOf(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  if (hours > 0) return `${hours} h ${two(minutes)} min`;
  return minutes > 0 ? `${minutes} min ${two(seconds % 60)} s` : `${seconds} s`;
}
