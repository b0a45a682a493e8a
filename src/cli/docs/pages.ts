import { z } from 'zod';
import { configJsonSchema } from '../../config/schema.ts';
import { alertMessage, revocationMessage } from '../../deliver/alert-message.ts';
import type { AnyDetector } from '../../detect/detector.ts';
import { canonicalJsonSchema } from '../../normalise/formats/canonical.ts';
import { FORMATS } from '../../normalise/formats.ts';
import { detectorPage } from '../detector-page.ts';
import { configurationPage } from './configuration-page.ts';

/** Every generated file under `docs/`, by its path there. */
export function generatedPages(detectors: readonly AnyDetector[]): ReadonlyMap<string, string> {
  return new Map([
    ['detectors.md', detectorsPage(detectors)],
    ['formats.md', formatsPage()],
    ['configuration.md', configurationPage(detectors)],
    ['schemas/config.schema.json', json(configJsonSchema(detectors))],
    ['schemas/canonical-event.schema.json', json(canonicalJsonSchema())],
    ['schemas/alert-message.schema.json', json(z.toJSONSchema(alertMessage))],
    ['schemas/revocation-message.schema.json', json(z.toJSONSchema(revocationMessage))],
  ]);
}

function detectorsPage(detectors: readonly AnyDetector[]): string {
  return [
    '# Detectors',
    '',
    'Generated from the detectors themselves by `npm run docs`. Each answers every event in bits: the log₂ of how much likelier it is from a',
    'stranger than from the token’s owner. How a score comes about is in [ARCHITECTURE.md](../ARCHITECTURE.md).',
    '',
    'Beside its own options, each takes `enabled` (default `true`) and `weight` (default `1`, what its contribution is multiplied by), under',
    '`detection.detectors.<id>`. How to write your own is in [CONTRIBUTING.md](../CONTRIBUTING.md).',
    '',
    ...detectors.map(detectorPage),
  ].join('\n');
}

function formatsPage(): string {
  return [
    '# Formats',
    '',
    'Generated from the formats themselves by `npm run docs`. A field of an event is *verified* (set by a gateway from what it authenticated),',
    '*reported* (written by the database about what it did) or *claimed* (chosen by the client, or not known to be better). Only verified and',
    'reported evidence may lead to a revocation.',
    '',
    ...FORMATS.flatMap(({ id, title, description, trust, samples }) => [
      `## ${id}`,
      '',
      `**${title}.** ${description}`,
      '',
      `Believed: ${Object.entries(trust)
        .map(([field, level]) => `\`${field}\` ${level}`)
        .join(', ')}; all else is claimed.`,
      '',
      ...samples
        .slice(0, 1)
        .flatMap(({ name, records }) => [`For example, ${name}:`, '', '```json', ...records, '```', '']),
    ]),
  ].join('\n');
}

function json(schema: object): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}
