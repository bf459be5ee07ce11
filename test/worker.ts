export { DurableLock } from "../src/index.ts";

export default {
  fetch: () => new Response("The tests call the object directly."),
} satisfies ExportedHandler;
