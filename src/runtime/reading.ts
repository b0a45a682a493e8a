import { DAY_MS } from '../baseline/time.ts';
import type { Config, SourceConfig } from '../config/load.ts';
import { installedOf } from '../config/mapping.ts';
import { thresholdsOf } from '../detect/budget.ts';
import type { AnyDetector } from '../detect/detector.ts';
import type { EngineOptions } from '../detect/engine.ts';
import { matchesPattern } from '../domain/pattern.ts';
import { createEnrich, type Enrich } from '../enrich/enrich.ts';
import type { Format } from '../normalise/format.ts';
import { FORMATS } from '../normalise/formats.ts';
import type { Reading } from '../pipeline/redrive.ts';
import { openAddressBook } from './address-book.ts';
import { createKeys, type Keys, keysOfFolder } from './keys.ts';

/** The installation's keys: from the configuration, or its data folder. */
export function keysOf({ fingerprintKey, dataFolder }: Config): Keys {
  return fingerprintKey ? createKeys(fingerprintKey.reveal()) : keysOfFolder(dataFolder);
}

/** What the engine is made with; the same live and in a replay. */
export function engineOptions(
  config: Config,
  detectors: readonly AnyDetector[],
  keys: Keys,
  onFailure: EngineOptions['onFailure'],
): EngineOptions {
  return {
    installed: installedOf(config, detectors),
    thresholds: thresholdsOf(config.detection.alarmBudget),
    hashSeed: keys.hashSeed,
    tokensMax: config.detection.tokensMax,
    onFailure,
  };
}

/** As much of a source as its events' enrichment depends on. */
export interface EnrichedSource extends Pick<SourceConfig, 'fingerprintTokens'> {
  readonly namespace?: string | undefined;
  readonly ageDaysMax?: number | undefined;
}

/** How a source's events are enriched. */
export async function enrichOf(config: Config, source: EnrichedSource, keys: Keys): Promise<Enrich> {
  const { ageDaysMax } = source;
  return createEnrich({
    namespace: source.namespace ?? null,
    fingerprintTokens: source.fingerprintTokens,
    fingerprint: keys.fingerprint,
    factsOfAddress: await openAddressBook(config.addressDatabases),
    factsOfToken: (token) => {
      const known = config.tokens.find(({ match }) => matchesPattern(match, token));
      return known ? { owner: known.owner ?? null, environment: known.environment ?? null } : null;
    },
    ageMsMax: ageDaysMax === undefined ? null : ageDaysMax * DAY_MS,
  });
}

/** @throws Error for a format that does not exist, which configuration and command line have ruled out */
export function formatOf(id: string): Format {
  const format = FORMATS.find((candidate) => candidate.id === id);
  if (format === undefined) throw new Error(`no format is named "${id}"`);
  return format;
}

/** How each source's records are read, by its name. */
export async function readingsOf(config: Config): Promise<ReadonlyMap<string, Reading>> {
  const keys = keysOf(config);
  const readings = config.sources.map(async (source) => {
    const reading: Reading = { format: formatOf(source.format), enrich: await enrichOf(config, source, keys) };
    return [source.name, reading] as const;
  });
  return new Map(await Promise.all(readings));
}
