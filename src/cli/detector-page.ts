import { z } from 'zod';
import { aligned, type Fields } from '../baseline/record.ts';
import type { AnyDetector } from '../detect/detector.ts';

/** Bytes that a detector remembers of a token. */
export function stateBytesOf({ remembers }: AnyDetector): number {
  return Object.values(remembers as Fields).reduce((total, field) => total + aligned(field.sizeBytes), 0);
}

/** The manual page of a detector, in Markdown, from the detector itself. */
export function detectorPage(detector: AnyDetector): string {
  const { id, title, description, status, severity, dimension, trust, attack, falsePositives, runbook, cases } =
    detector;
  const techniques = attack.map(
    (technique) => `[${technique}](https://attack.mitre.org/techniques/${technique.replace('.', '/')}/)`,
  );
  return [
    `## ${id}`,
    '',
    `**${title}.** ${description}`,
    '',
    `- Dimension: ${dimension}. Severity: ${severity}. Status: ${status}. Remembers ${stateBytesOf(detector)} bytes a token.`,
    ...(detector.isCertain === true
      ? ['- No matter of odds: its finding alone is worth what revoking takes, whatever the alarm budget.']
      : []),
    `- Rests on what is ${trust}.${trust === 'claimed' ? ' It cannot lead to a revocation.' : ''}`,
    ...(techniques.length > 0 ? [`- MITRE ATT&CK: ${techniques.join(', ')}.`] : []),
    `- Known false positives: ${falsePositives.join('; ')}.`,
    `- What to do first: ${runbook}`,
    '',
    ...optionsTable(detector),
    '',
    'Cases that it carries and is tested with:',
    '',
    ...cases.map((example) => `- ${example.expect === 'fires' ? 'fires' : 'stays silent'}: ${example.name}`),
    '',
  ].join('\n');
}

function optionsTable({ config }: AnyDetector): readonly string[] {
  const schema = z.toJSONSchema(config, { io: 'input' }) as {
    properties?: Record<string, { type?: string; description?: string; default?: unknown }>;
  };
  const options = Object.entries(schema.properties ?? {});
  if (options.length === 0) return ['It has no options of its own.'];
  return [
    '| option | type | default | |',
    '|---|---|---|---|',
    ...options.map(
      ([name, option]) =>
        `| \`${name}\` | ${option.type ?? ''} | \`${JSON.stringify(option.default)}\` | ${option.description ?? ''} |`,
    ),
  ];
}
