// Ids and owners have up to 512 bytes, which is nine lines on a phone. The page shortens long ones; a visitor can show
// and copy the whole text.

import { button, say } from "./dom.js";

/** A longer text is shortened to its beginning and its end: ids often differ in only one of them. */
const MOST = 64;
const BEGINNING = 32;
const END = 16;
/** How long a button says "Copied", in milliseconds. */
const SAYS_SO = 2_000;

/** @param {string} text */
export function shortOf(text) {
  const characters = Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
  if (characters.length <= MOST) return text;
  return `${characters.slice(0, BEGINNING).join("")}…${characters.slice(-END).join("")}`;
}

/**
 * Shows a text in an element. If it is long, shortens it, and returns the buttons that show and copy the whole text.
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
 * @param {() => HTMLElement} whole The element that shows the whole text. It is selected if the page can't copy.
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

/** Copies a text. A browser lets a page do that only over https or from this machine. @param {string} text */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
