import type { Layout } from '../baseline/layout.ts';
import type { Engine } from '../detect/engine.ts';
import type { Log, NewRecord } from '../log/log.ts';
import { TOPICS } from './topics.ts';

/** Keys of the baselines log that are no tokens begin with a NUL, which no token id contains. */
const LAYOUT_KEY = '\u0000layout/';
const ORIGIN_KEY = '\u0000origin';

/** What a partition of the baselines log says beside the tokens' records. */
export interface Restored {
  /** Fingerprints of the layouts in which records are written. */
  readonly layouts: ReadonlySet<string>;
  /** The life of the events log that the stamps count in; `undefined` when nothing was ever written. */
  readonly origin: string | undefined;
  /** Records in a layout that nobody knows any more, or older than one already read. */
  readonly passedOverCount: number;
}

/** Reads a partition's token records back into an engine. @param wanted restores only these tokens; default: all */
export async function restoreEngine(
  log: Log,
  partition: number,
  engine: Engine,
  wanted: (token: string) => boolean = () => true,
): Promise<Restored> {
  const layouts = new Map<string, Layout>();
  let origin: string | undefined;
  let passedOverCount = 0;
  for await (const batch of log.read(TOPICS.baselines, partition)) {
    for (const { key, value } of batch) {
      if (key === null || value === null) continue;
      if (key === ORIGIN_KEY) origin = value.toString();
      else if (key.startsWith(LAYOUT_KEY))
        layouts.set(key.slice(LAYOUT_KEY.length), JSON.parse(value.toString()) as Layout);
      else if (wanted(key) && !engine.restore(key, value, (fingerprint) => layouts.get(fingerprint)))
        passedOverCount += 1;
    }
  }
  return { layouts: new Set(layouts.keys()), origin, passedOverCount };
}

/** What must be in the log before records of this layout, stamped in this life of the events log, are. */
export function factsToWrite(
  engine: Engine,
  restored: Restored,
  origin: string,
  partition: number,
): readonly NewRecord[] {
  const { layout } = engine;
  const facts: NewRecord[] = [];
  if (restored.origin !== origin) facts.push({ key: ORIGIN_KEY, value: Buffer.from(origin), partition });
  if (!restored.layouts.has(layout.fingerprint)) {
    facts.push({ key: LAYOUT_KEY + layout.fingerprint, value: Buffer.from(JSON.stringify(layout)), partition });
  }
  return facts;
}
