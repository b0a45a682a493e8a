import { stringify } from 'yaml';
import { z } from 'zod';
import { configSchema } from '../../config/schema.ts';
import { RECEIVER_KINDS } from '../../deliver/receivers.ts';
import type { ReceiverKind, RevokerKind } from '../../deliver/registry.ts';
import { REVOKER_KINDS } from '../../deliver/revokers.ts';
import type { AnyDetector } from '../../detect/detector.ts';

/** As much of a JSON Schema as ours use. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly secret?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly additionalProperties?: Schema | boolean;
}

/** Options that have pages of their own. */
const ELSEWHERE = new Set(['detection.detectors', 'response.receivers', 'response.revokers']);

/** The manual of the configuration file, in Markdown, from its schema. */
export function configurationPage(detectors: readonly AnyDetector[]): string {
  const schema = jsonSchemaOf(configSchema(detectors));
  return [
    '# Configuration',
    '',
    'One YAML file, `tokenwarden.yaml` unless `--config` says otherwise. Everything has a default but the options of sources, receivers and',
    'revokers that say *required*. `tokenwarden config check` says everything that is wrong with a file, with the line; `tokenwarden config',
    'show` prints it as it takes effect; [`config.schema.json`](schemas/config.schema.json) is for editors.',
    '',
    '`${NAME}` in a value is filled in from the environment, `${NAME:-default}` has a default, `$${` is a plain `${`. Where `NAME` is not set',
    'and `NAME_FILE` is, the content of that file is taken. Secrets are never printed or logged. Detectors’ options are in',
    '[detectors.md](detectors.md).',
    '',
    ...tableOf(rowsOf(schema, '')),
    '',
    ...targets('Receivers', 'response.receivers', RECEIVER_KINDS),
    ...targets('Revokers', 'response.revokers', REVOKER_KINDS),
  ].join('\n');
}

function jsonSchemaOf(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as Schema;
}

interface Row {
  readonly path: string;
  readonly type: string;
  readonly fallback: string;
  readonly text: string;
}

function rowsOf(schema: Schema, prefix: string): readonly Row[] {
  const required = new Set((schema as { required?: readonly string[] }).required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([name, option]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const own = {
      path,
      type: typeOf(option),
      fallback: fallbackOf(option, required.has(name)),
      text: option.description ?? '',
    };
    return [own, ...(ELSEWHERE.has(path) ? [] : inner(option, path))];
  });
}

/** What stands below an option: its own options, those of a list's items, those of each alternative. */
function inner(option: Schema, path: string): readonly Row[] {
  const item = option.items;
  if (item) return inner(item, `${path}[]`);
  const alternatives = (option.oneOf ?? option.anyOf ?? []).filter(({ properties }) => properties);
  if (alternatives.length === 0) return rowsOf(option, path);
  const rows = alternatives.flatMap((alternative) => {
    const kind = alternative.properties?.['kind'];
    const where = kind?.const === undefined ? path : `${path} (${String(kind.const)})`;
    return rowsOf(alternative, where);
  });
  return rows.filter((row, i) => rows.findIndex(({ path: other }) => other === row.path) === i);
}

function typeOf(option: Schema): string {
  if (option.secret) return 'secret';
  if (option.const !== undefined) return `\`${String(option.const)}\``;
  if (option.enum) return option.enum.map((value) => `\`${String(value)}\``).join(' \\| ');
  const alternatives = option.oneOf ?? option.anyOf;
  if (alternatives) return [...new Set(alternatives.map(typeOf))].join(' or ');
  if (option.type === 'array') return `list of ${option.items ? typeOf(option.items) : 'anything'}`;
  return option.type === 'object' ? 'mapping' : (option.type ?? '');
}

function fallbackOf(option: Schema, isRequired: boolean): string {
  if (option.const !== undefined) return '';
  if (option.default === undefined) return isRequired ? '*required*' : '';
  const text = JSON.stringify(option.default);
  return text === '{}' || text.length > 60 ? '' : `\`${text}\``;
}

function tableOf(rows: readonly Row[]): readonly string[] {
  return [
    '| option | type | default | |',
    '|---|---|---|---|',
    ...rows.map(
      ({ path, type, fallback, text }) => `| \`${path}\` | ${type} | ${fallback} | ${text.replaceAll('|', '\\|')} |`,
    ),
  ];
}

function targets(title: string, path: string, kinds: readonly (ReceiverKind | RevokerKind)[]): readonly string[] {
  return [
    `## ${title}`,
    '',
    ...kinds.flatMap(({ kind, title: name, description, config, example }) => [
      `### \`${kind}\`: ${name}`,
      '',
      description,
      '',
      '```yaml',
      stringify(nested(path, { [`my-${kind}`]: { kind, ...(example as object) } }), { lineWidth: 0 }).trimEnd(),
      '```',
      '',
      ...tableOf(rowsOf(jsonSchemaOf(config), '')),
      '',
    ]),
  ];
}

function nested(path: string, value: unknown): unknown {
  return path.split('.').reduceRight((inside, name) => ({ [name]: inside }), value);
}
