import calls from "../../inspector/calls.js?raw";
import card from "../../inspector/card.js?raw";
import dom from "../../inspector/dom.js?raw";
import style from "../../inspector/inspector.css?raw";
import page from "../../inspector/inspector.html?raw";
import script from "../../inspector/inspector.js?raw";
import text from "../../inspector/long-text.js?raw";
import rows from "../../inspector/rows.js?raw";
import type { Application } from "../request/context.ts";
import { onlyBy } from "../request/route.ts";

const CSS = "text/css; charset=utf-8";
const JS = "text/javascript; charset=utf-8";

const FILES: Record<string, [content: string, type: string]> = {
  "inspector.css": [style, CSS],
  "inspector.js": [script, JS],
  "card.js": [card, JS],
  "dom.js": [dom, JS],
  "long-text.js": [text, JS],
  "rows.js": [rows, JS],
  "calls.js": [calls, JS],
};

/** The page loads nothing from other origins and nothing inline, and no page may frame it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src data:",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Serves the inspector. The page itself contains no data and asks for a token. */
export function addPage(service: Application): void {
  service.get("/", (c) => {
    const { pathname } = new URL(c.req.url);
    // The page's URLs are relative, so that it works wherever the service is mounted.
    if (!pathname.endsWith("/")) return c.redirect(`${pathname}/`, 308);
    return c.html(page, 200, {
      "Content-Security-Policy": POLICY,
      "Referrer-Policy": "no-referrer",
      "Cross-Origin-Opener-Policy": "same-origin",
    });
  });
  onlyBy(service, "GET", "/");
  for (const [name, [content, type]] of Object.entries(FILES)) {
    const path = `/inspector/${name}`;
    service.get(path, (c) => c.body(content, 200, { "Content-Type": type }));
    onlyBy(service, "GET", path);
  }
}
