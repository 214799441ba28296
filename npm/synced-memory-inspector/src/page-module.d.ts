/** The built page, which build.mjs provides. */
declare module 'virtual:page' {
  /** The whole page, with its script and style inside. */
  export const html: string;
  /** The Content-Security-Policy source of the script. */
  export const scriptSource: string;
  /** The Content-Security-Policy source of the style. */
  export const styleSource: string;
}
