// Ids and owners have up to 512 bytes: nine lines on a phone. Long ones are shortened, and can be seen and copied whole.

import { button, say } from "./dom.js";

/** A text of more characters is shortened to its beginning and its end: ids often differ in one of them only. */
const MOST = 64;
const BEGINNING = 32;
const END = 16;
/** How long a button says that it has copied, in milliseconds. */
const SAYS_SO = 2_000;

/** @param {string} text */
export function shortOf(text) {
  const characters = Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
  if (characters.length <= MOST) return text;
  return `${characters.slice(0, BEGINNING).join("")}…${characters.slice(-END).join("")}`;
}

/**
 * Shows a text in an element. If it is long, shows it shortened, and answers the buttons that show and copy it whole.
 *
 * @param {string} what What to call it. @param {string} text @param {HTMLElement} shown
 */
export function longText(what, text, shown) {
  const short = shortOf(text);
  shown.textContent = short;
  if (short === text) return [];
  shown.classList.add("long");
  const whole = button("quiet small", "", () => show(shown.textContent === short));
  const show = (/** @type {boolean} */ isWhole) => {
    shown.textContent = isWhole ? text : short;
    whole.textContent = isWhole ? `Shorten ${what}` : `Show whole ${what}`;
  };
  show(false);
  const copy = copyButton(
    what,
    () => text,
    () => (show(true), shown),
  );
  return [whole, copy];
}

/**
 * A button that copies a text.
 *
 * @param {string} what @param {() => string} text
 * @param {() => HTMLElement} whole Where all of it is to be seen: selected if the browser does not let the page copy.
 */
export function copyButton(what, text, whole) {
  const name = `Copy ${what}`;
  const copy = button("quiet small", name, async () => {
    const isCopied = await copied(text());
    copy.textContent = isCopied ? "Copied" : "Selected: copy it yourself";
    say(isCopied ? `Copied: ${what}` : `This browser does not let the page copy. Selected: ${what}`);
    if (!isCopied) getSelection()?.selectAllChildren(whole());
    setTimeout(() => (copy.textContent = name), SAYS_SO);
  });
  return copy;
}

/** Only over https, or from this machine, does a browser let a page copy. @param {string} text */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
