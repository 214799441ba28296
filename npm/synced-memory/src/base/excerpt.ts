/** The longest text of a server or a transport that an error quotes, in UTF-16 code units. */
const MAX_QUOTED = 200;

/** The beginning of a text that somebody else wrote, on one line: an HTTP service may answer with a whole page. */
export function excerpt(text: string): string {
  const start = text.slice(0, MAX_QUOTED).replace(/\p{Cc}+/gu, ' ');
  return text.length > MAX_QUOTED ? `${start}…` : start;
}
