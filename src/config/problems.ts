import type { z } from 'zod';
import type { ConfigDocument, Problem } from './document.ts';

type Issue = z.core.$ZodIssue;

/** A configuration that cannot be used; `message` names every problem with its line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'bad-config';
  readonly exitCode = 2;
  readonly problems: readonly Problem[];

  constructor(path: string, problems: readonly Problem[], document: ConfigDocument) {
    const lines = problems.map((problem) => `  ${lineOf(problem, document)}`);
    super(`${path} has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}

function lineOf({ path, message }: Problem, document: ConfigDocument): string {
  if (path.length === 0) return message;
  const line = document.lineOf(path);
  return `${line === undefined ? '' : `line ${line}: `}${pathText(path)}: ${message}`;
}

/** `sources[0].name` */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`))
    .join('');
}

/** What a schema found wrong, in our words. Values are never repeated: they may be secrets; only names that the schema knows are. */
export function problemsOf(error: z.ZodError, schema: z.ZodType): readonly Problem[] {
  return error.issues.flatMap((issue) => problemsOfIssue(issue, schema));
}

function problemsOfIssue(issue: Issue, schema: z.ZodType): readonly Problem[] {
  const { path } = issue;
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, keysAt(schema, path)) }));
    case 'invalid_value':
      return [{ path, message: `must be ${anyOf(issue.values.map(String))}` }];
    case 'invalid_union': {
      if (issue.discriminator === undefined) return [{ path, message: unionMessage(issue) }];
      const kinds = discriminatorsAt(schema, path.slice(0, -1), issue.discriminator);
      return [{ path, message: `must be ${anyOf(kinds)}` }];
    }
    case 'invalid_type': {
      const missing = /received undefined/.test(issue.message);
      if (missing) return [{ path, message: `is missing: give ${article(issue.expected)}` }];
      const quotes =
        issue.expected === 'string' && /received (number|boolean)/.test(issue.message) ? ' (put it in quotes)' : '';
      return [{ path, message: `must be ${article(issue.expected)}${quotes}` }];
    }
    case 'invalid_key':
      return [{ path, message: issue.issues.map(({ message }) => message).join('; ') }];
    default:
      return [{ path, message: issue.message }];
  }
}

function unionMessage(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  return [...new Set(issue.errors.flat().map(({ message }) => message))].join(', or ');
}

function unknownKey(key: string, known: readonly string[]): string {
  const nearest = nearestOf(key, known);
  if (nearest !== undefined) return `is not an option; did you mean "${nearest}"?`;
  return known.length === 0 ? 'is not an option' : `is not an option; there are ${known.join(', ')}`;
}

function article(type: string): string {
  const words: Readonly<Record<string, string>> = {
    string: 'a text',
    object: 'a mapping',
    record: 'a mapping',
    array: 'a list',
  };
  return words[type] ?? (type === 'int' ? 'a whole number' : `a ${type}`);
}

function anyOf(values: readonly string[]): string {
  return values.length === 1 ? `"${values[0]}"` : `one of ${values.join(', ')}`;
}

/** The options that a mapping at this path may have. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  return [...new Set(schemasAt(schema, path).flatMap((found) => Object.keys(shapeOf(found))))];
}

function discriminatorsAt(schema: z.ZodType, path: readonly PropertyKey[], discriminator: string): readonly string[] {
  const values = schemasAt(schema, path).map(
    (found) => shapeOf(found)[discriminator] as { value?: unknown } | undefined,
  );
  return [...new Set(values.flatMap((literal) => (literal?.value === undefined ? [] : [String(literal.value)])))];
}

/** As much of zod's definitions as is needed to walk them. */
interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly shape?: Readonly<Record<string, z.ZodType>>;
}

function schemasAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly z.ZodType[] {
  const alternatives = unwrapped(schema);
  const [next, ...rest] = path;
  if (next === undefined) return alternatives;
  return alternatives.flatMap((one) => {
    const { shape, element, valueType } = definitionOf(one);
    const inner = shape?.[String(next)] ?? element ?? valueType;
    return inner === undefined ? [] : schemasAt(inner, rest);
  });
}

/** Without defaults, options and transformations around it; each alternative of a union. */
function unwrapped(schema: z.ZodType): readonly z.ZodType[] {
  const { innerType, in: input, options } = definitionOf(schema);
  const inner = innerType ?? input;
  if (inner) return unwrapped(inner);
  return options ? options.flatMap(unwrapped) : [schema];
}

function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  return definitionOf(schema).shape ?? {};
}

function definitionOf(schema: z.ZodType): Definition {
  return schema.def as unknown as Definition;
}

/** The known name that differs least, if it is near enough to be meant. */
export function nearestOf(name: string, known: readonly string[]): string | undefined {
  const distances = known.map((candidate) => ({
    candidate,
    distance: editDistance(name.toLowerCase(), candidate.toLowerCase()),
  }));
  const nearest = distances.sort((a, b) => a.distance - b.distance)[0];
  return nearest && nearest.distance <= Math.max(1, Math.floor(name.length / 3)) ? nearest.candidate : undefined;
}

/** Levenshtein's distance, by Wagner and Fischer's one-row table. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
