/** The text of a file. The suffix `?raw` comes from Vite; the build supports it too. */
declare module "*?raw" {
  const text: string;
  export default text;
}
