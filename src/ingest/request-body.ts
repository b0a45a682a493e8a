import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { LIMITS } from '../domain/audit-event.ts';

/** A request that is refused; `message` is the answer's. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** One record of a request: its own bytes, or the beginning of one longer than a record may be. */
export interface PostedRecord {
  readonly value: Uint8Array;
  readonly truncated?: boolean;
}

/** Small records cost more memory than their bytes. */
const RECORDS_MAX = 20_000;

/**
 * Reads a body, decompressing it as told.
 *
 * @throws RequestError `body-too-large` as soon as it is, after decompression; `bad-gzip`, `broken-off`.
 */
export function readBody(payload: Readable, gzip: boolean, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let byteCount = 0;
    const decoder = gzip ? createGunzip() : undefined;
    const decoded = decoder ? payload.pipe(decoder) : payload;
    const fail = (error: RequestError): void => {
      // The decoder may go on failing after this: its listener below stays.
      if (decoder) payload.unpipe(decoder);
      decoder?.destroy();
      decoded.off('data', add);
      // The rest is thrown away until the answer has closed the connection, else the client would never read it.
      payload.resume();
      reject(error);
    };
    const add = (chunk: Buffer): void => {
      byteCount += chunk.length;
      if (byteCount > bytesMax) fail(bodyTooLarge(bytesMax));
      else chunks.push(chunk);
    };
    decoded.on('data', add);
    decoded.once('end', () => resolve(Buffer.concat(chunks)));
    decoder?.on('error', () => fail(new RequestError(400, 'bad-gzip', 'the body is no whole gzip stream')));
    payload.once('error', () => fail(brokenOff()));
    payload.once('close', () => {
      if (!payload.readableEnded) fail(brokenOff());
    });
  });
}

export function bodyTooLarge(bytesMax: number): RequestError {
  return new RequestError(413, 'body-too-large', `the body is longer than ${bytesMax} bytes; send several requests`);
}

function brokenOff(): RequestError {
  return new RequestError(400, 'broken-off', 'the request ended before its body did');
}

/**
 * The non-blank lines of a body, each checked to be a JSON object.
 *
 * @throws RequestError naming the first line that is none.
 */
export function splitLines(body: Buffer): PostedRecord[] {
  const records: PostedRecord[] = [];
  let lineNumber = 0;
  for (let start = startOf(body); start < body.length; ) {
    const newline = body.indexOf('\n', start);
    const end = newline === -1 ? body.length : newline;
    lineNumber += 1;
    const line = trim(body, start, end);
    if (line.length > 0) add(records, line, `line ${lineNumber}`);
    start = end + 1;
  }
  return records;
}

/**
 * The elements of a JSON array, or the one object, each checked to be an object.
 *
 * @throws RequestError naming the first element that is none.
 */
export function splitJson(body: Buffer): PostedRecord[] {
  const text = trim(body, startOf(body), body.length);
  const records: PostedRecord[] = [];
  if (text[0] !== BYTES.openBracket) {
    if (text.length > 0) add(records, text, 'body');
    return records;
  }
  const elements = elementsOf(text);
  for (const [index, element] of elements.entries()) {
    const isEmptyArray = elements.length === 1 && element.length === 0;
    if (!isEmptyArray) add(records, element, `item ${index}`);
  }
  return records;
}

const BYTES = {
  quote: 0x22,
  comma: 0x2c,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

/**
 * Cuts at the commas between elements. That an element is JSON is for its own check to find out: when each is, and the brackets around them
 * are there, the whole is.
 */
function elementsOf(text: Buffer): Buffer[] {
  const elements: Buffer[] = [];
  let depth = 0;
  let start = 1;
  for (let i = 0; i < text.length; i++) {
    const byte = text[i];
    if (byte === BYTES.quote) i = endOfString(text, i);
    else if (byte === BYTES.openBracket || byte === BYTES.openBrace) depth += 1;
    else if (byte === BYTES.closeBracket || byte === BYTES.closeBrace) depth -= 1;
    const ended = depth === 0;
    if (!ended && !(depth === 1 && byte === BYTES.comma)) continue;
    elements.push(trim(text, start, i));
    if (elements.length > RECORDS_MAX) throw tooManyRecords();
    if (ended && (byte !== BYTES.closeBracket || i < text.length - 1)) {
      throw notJson(`item ${elements.length - 1}`, 'brackets do not match, or something follows the array');
    }
    if (ended) return elements;
    start = i + 1;
  }
  throw notJson(`item ${elements.length}`, 'the array is not closed');
}

function endOfString(text: Buffer, quote: number): number {
  for (let i = quote + 1; i < text.length; i++) {
    if (text[i] === BYTES.backslash) i += 1;
    else if (text[i] === BYTES.quote) return i;
  }
  return text.length;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function add(records: PostedRecord[], value: Buffer, where: string): void {
  if (records.length === RECORDS_MAX) throw tooManyRecords();
  const parsed = parse(value, where);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new RequestError(400, 'not-an-object', `${where}: not a JSON object`);
  }
  const truncated = value.length > LIMITS.recordBytesMax;
  records.push(truncated ? { value: value.subarray(0, LIMITS.recordBytesMax), truncated } : { value });
}

function parse(value: Buffer, where: string): unknown {
  let text: string;
  try {
    text = UTF8.decode(value);
  } catch {
    throw notJson(where, 'invalid UTF-8');
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw notJson(where, withoutSnippet(error instanceof Error ? error.message : ''));
  }
}

/** V8 quotes what it could not read, which may be a secret, and says the line twice. */
function withoutSnippet(message: string): string {
  return message
    .replace(/, (\.\.\.)?".*$/s, '')
    .replace(/^".*" is/s, 'it is')
    .replace(/ \(line \d+ column \d+\)$/, '');
}

function notJson(where: string, why: string): RequestError {
  return new RequestError(400, 'not-json', `${where}: not JSON: ${why}`);
}

function tooManyRecords(): RequestError {
  return new RequestError(413, 'too-many-records', `more than ${RECORDS_MAX} records; send several requests`);
}

/** After a byte order mark. */
function startOf(body: Buffer): number {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
}

/** Without JSON's white space at both ends. */
function trim(bytes: Buffer, from: number, to: number): Buffer {
  let start = from;
  let end = to;
  while (start < end && isSpace(bytes[start])) start += 1;
  while (end > start && isSpace(bytes[end - 1])) end -= 1;
  return bytes.subarray(start, end);
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a;
}
