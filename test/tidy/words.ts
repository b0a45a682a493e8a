/** Words that say nothing, or that say something else here (design: `ARCHITECTURE.md`, words). */
export const BANNED_NAMES: ReadonlySet<string> = new Set(
  ['incident', 'hit', 'anomaly', 'profile', 'model', 'manager', 'helper', 'util', 'service', 'handler'].flatMap(
    (word) => [word, word === 'anomaly' ? 'anomalies' : `${word}s`],
  ),
);

const AMERICAN: readonly (readonly [stem: string, british: string, endings: readonly string[]])[] = [
  ['normaliz', 'normalis', ['e', 'es', 'ed', 'er', 'ers', 'ing', 'ation']],
  ['serializ', 'serialis', ['e', 'es', 'ed', 'er', 'ers', 'ing', 'ation']],
  ['initializ', 'initialis', ['e', 'es', 'ed', 'er', 'ers', 'ing', 'ation']],
  ['optimiz', 'optimis', ['e', 'es', 'ed', 'er', 'ers', 'ing', 'ation']],
  ['organiz', 'organis', ['e', 'es', 'ed', 'er', 'ers', 'ing', 'ation', 'ations']],
  ['recogniz', 'recognis', ['e', 'es', 'ed', 'er', 'ers', 'ing']],
  ['synchroniz', 'synchronis', ['e', 'es', 'ed', 'er', 'ers', 'ing', 'ation']],
  ['summariz', 'summaris', ['e', 'es', 'ed', 'er', 'ers', 'ing']],
  ['minimiz', 'minimis', ['e', 'es', 'ed', 'er', 'ers', 'ing']],
  ['maximiz', 'maximis', ['e', 'es', 'ed', 'er', 'ers', 'ing']],
  ['analyz', 'analys', ['e', 'es', 'ed', 'er', 'ers', 'ing']],
  ['authoriz', 'authoris', ['e', 'es', 'ed', 'er', 'ers', 'ing']],
  ['behavior', 'behaviour', ['', 's']],
  ['color', 'colour', ['', 's', 'ed']],
  ['favor', 'favour', ['', 's', 'ed', 'ite']],
  ['neighbor', 'neighbour', ['', 's', 'ing']],
  ['honor', 'honour', ['', 's', 'ed', 'ing']],
  ['center', 'centre', ['', 's', 'ed']],
  ['gray', 'grey', ['']],
  ['defense', 'defence', ['', 's']],
  ['label', 'labell', ['ed', 'ing']],
  ['cancel', 'cancell', ['ed', 'ing']],
  ['travel', 'travell', ['ed', 'er', 'ing']],
  ['fulfill', 'fulfil', ['', 's']],
];

/** British spelling, by American one. Lower case. */
export const SPELLING: ReadonlyMap<string, string> = new Map(
  AMERICAN.flatMap(([stem, british, endings]) => endings.map((ending) => [stem + ending, british + ending] as const)),
);

/** Names of others, which are spelt as they spell them. */
export const SPELT_BY_OTHERS: readonly RegExp[] = [
  /\.normalize\(/, // String.prototype.normalize
  /\b(NO|FORCE)_COLOR\b/,
  /\bcolor: ?'#/, // Slack's attachments
  /\bcolor: var\(|\bcolor-scheme\b/, // CSS
  /\bconnection authorized\b/, // PostgreSQL's log
];

/** The words of a name: `openFileSource` and `open-file-source` have three. Lower case. */
export function wordsOf(name: string): readonly string[] {
  return name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g)?.map((word) => word.toLowerCase()) ?? [];
}
