/** The text of a file: Vite's own notation, which the build knows too. */
declare module "*?raw" {
  const text: string;
  export default text;
}
