/** Longest text that `safeText` lets through unless told otherwise. */
const CHARS_MAX = 200;

/**
 * What does not show, or shows something else than is there: control and format characters (line breaks, terminal escapes, bidi and
 * zero-width ones, tags), lone surrogates, private and unassigned ones, blanks that are no space, fillers that look like one, characters
 * that only change the one before, and piles of combining marks from the third on.
 */
const TREACHEROUS =
  /[\u{34f}\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u{115f}\u{1160}\u{2800}\u{3164}\u{ffa0}\p{Variation_Selector}]|(?! )\p{Zs}|(?<=\p{M}\p{M})\p{M}/gu;

/**
 * A text of unknown origin as it can be shown to a person: what is treacherous appears as `\u{…}`, what is too long ends in `…`. Not escaped
 * for any markup: that depends on where it goes.
 */
export function safeText(text: string, charsMax: number = CHARS_MAX): string {
  // Cut first: what it takes to look at a text must not depend on whoever wrote it.
  const start = text.length > charsMax ? text.slice(0, charsMax) : text;
  const visible = start.replace(TREACHEROUS, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
  return text.length > charsMax || visible.length > charsMax ? `${cutText(visible, charsMax - 1)}…` : visible;
}

/** The beginning of a text, without half a character at its end. */
export function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const cut = text.slice(0, charsMax);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}

/** A name of unknown origin in quotes, so that it cannot pass for a part of the sentence. */
export function quoted(name: string, charsMax: number = 80): string {
  return `"${safeText(name, charsMax).replaceAll('"', "'")}"`;
}
