import { LIMITS } from '../domain/audit-event.ts';
import type { Unreadable } from './stored-event.ts';

/** A parsed object. Whoever reads it asks for names of its own choosing only, never for names that came with it. */
export type JsonObject = Readonly<Record<string, unknown>>;

export type ParsedJson =
  | { readonly ok: true; readonly object: JsonObject }
  | { readonly ok: false; readonly unreadable: Unreadable };

/** How deep arrays and objects may be nested: no audit log comes near it. */
export const JSON_DEPTH_MAX = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a record that is one JSON object. Size and depth are checked before anything is built of it, and reasons never quote the record, since
 * they are shown and logged.
 */
export function parseJsonObject(bytes: Uint8Array): ParsedJson {
  if (bytes.length > LIMITS.recordBytesMax) {
    return refused('too-large', `longer than ${LIMITS.recordBytesMax} bytes; leave large literals out at the source`);
  }
  if (depthOf(bytes) > JSON_DEPTH_MAX) return refused('too-deep', `nested deeper than ${JSON_DEPTH_MAX} levels`);
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    // The decoder's only complaint.
    return refused('not-utf8', 'not UTF-8 text; set the encoding of the source’s log to UTF-8');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Its message would quote the record.
    return refused('not-json', 'not JSON; one object a line is expected');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refused('wrong-shape', 'not a JSON object; one object a line is expected');
  }
  return { ok: true, object: value as JsonObject };
}

function refused(code: Unreadable['code'], reason: string): ParsedJson {
  return { ok: false, unreadable: { code, reason } };
}

/** Deepest nesting outside of texts. What is no JSON gets some number; parsing will say so. */
function depthOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inText = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inText) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
  }
  return deepest;
}
