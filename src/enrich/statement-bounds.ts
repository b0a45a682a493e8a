/** Names in quotes are no keywords, whatever they say. */
const QUOTED = /"[^"]*"|`[^`]*`|\[[^\]]*\]/g;
/** A condition on nothing but literals leaves out nothing. */
const IDLE_CONDITION = /\bwhere (?:true|\?(?: ?= ?\?)?)(?= ?(?:$|;|\)|(?:order|group|union|into)\b))/g;
const READS = /^(?:select|with|table|declare|copy|unload)\b/;
const BOUNDING = /\b(?:where|limit|fetch|top|tablesample|having)\b/;
const TO_FILE = /\binto (?:outfile|dumpfile)\b/;
/** One row, however many it goes over. */
const TOTALS = /^select (?:(?:count|sum|min|max|avg) ?\([^()]*\)(?: as [\p{L}\p{N}_]+)?(?: ?, ?| (?=from )))+from /u;

/**
 * Whether a statement reads all there is of a table: without a condition or a limit, or into a file. By its words, whatever the dialect; what looks bounded
 * in any part passes for bounded. `null`: it reads no table, or keeps what it reads (`insert into … select`).
 *
 * @param statement without its literals, as normalisers leave it
 */
export function isUnboundedRead(statement: string): boolean | null {
  const text = statement.toLowerCase().replace(QUOTED, 'q');
  if (!READS.test(text)) return null;
  if (text.startsWith('unload') || TO_FILE.test(text)) return true;
  if (text.startsWith('copy')) return /\bto\b/.test(text) ? !isBounded(text) : null;
  if (text.startsWith('table ')) return !isBounded(text);
  if (!/\bselect\b/.test(text) || !/\bfrom\b/.test(text)) return null;
  return !isBounded(text) && !(TOTALS.test(text) && !/\bgroup by\b/.test(text));
}

function isBounded(text: string): boolean {
  return BOUNDING.test(text.replace(IDLE_CONDITION, ''));
}
