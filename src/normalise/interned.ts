/** Texts made lately, by their bytes. */
const PLACES = 8192;
const BYTES_MAX = 48;
const texts: string[] = new Array<string>(PLACES).fill('');

/**
 * The text of these bytes (plain ASCII), the same one as last time if it was made lately: the names of tables, networks and programs repeat from event
 * to event, and to compare them costs less than to make them; whoever looks them up next finds them faster, too.
 */
export function internedText(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length > BYTES_MAX) return bytes.toString('latin1', start, end);
  let hash = length;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
  const place = (hash ^ (hash >>> 15)) & (PLACES - 1);
  const known = texts[place] as string;
  if (known.length === length && isTextOf(known, bytes, start)) return known;
  const text = bytes.toString('latin1', start, end);
  texts[place] = text;
  return text;
}

function isTextOf(text: string, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}
