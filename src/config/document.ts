import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument, parse as parseYaml, visit } from 'yaml';

/** Something wrong with the configuration: where it stands, and how to mend it. */
export interface Problem {
  /** From the top; empty for the whole file. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** What stands around a configuration file. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a text file, or throws. */
  readonly readFile: (path: string) => string;
}

/** A YAML file with its variables filled in, as plain values that no schema has seen yet. */
export interface ConfigDocument {
  readonly values: unknown;
  readonly problems: readonly Problem[];
  /** The line on which a value, or else the nearest thing around it, stands; counted from 1. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
}

const ALIASES_MAX = 100;
/** `${NAME}` or `${NAME:-default}`; `$${` is a literal `${`. */
const VARIABLE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/**
 * Reads YAML and fills in `${NAME}` from the environment. Where `NAME` is not set and `NAME_FILE` is, the content of that file is taken, as
 * images and orchestrators hand secrets over. An unquoted value that becomes a number or a boolean is one.
 */
export function readDocument(text: string, surroundings: Surroundings): ConfigDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineOf = (path: readonly PropertyKey[]) => lineOfPath(document, lines, path);
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, message }) => {
      const { line, col } = lines.linePos(pos[0]);
      return { path: [], message: `line ${line}, column ${col}: ${message}` };
    });
    return { values: undefined, problems, lineOf };
  }
  const problems: Problem[] = [];
  visit(document, {
    Scalar: (key, node) => {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
      const filled = fillIn(node.value, surroundings, (message) => {
        const line = node.range ? `line ${lines.linePos(node.range[0]).line}: ` : '';
        problems.push({ path: [], message: `${line}${message}` });
      });
      node.value = node.type === 'PLAIN' ? plainValue(filled) : filled;
    },
  });
  return { values: document.toJS({ maxAliasCount: ALIASES_MAX }) ?? {}, problems, lineOf };
}

function fillIn(text: string, { env, readFile }: Surroundings, complain: (message: string) => void): string {
  return text.replaceAll(VARIABLE, (whole, name: string | undefined, fallback: string | undefined) => {
    if (name === undefined) return '${';
    const value = env[name];
    if (value !== undefined) return value;
    const file = env[`${name}_FILE`];
    if (file !== undefined) {
      try {
        return readFile(file).replace(/\r?\n$/, '');
      } catch {
        complain(`cannot read ${file}, which the environment variable ${name}_FILE names`);
        return whole;
      }
    }
    if (fallback === undefined) complain(`the environment variable ${name} is not set, and ${name}_FILE neither`);
    return fallback ?? '';
  });
}

function plainValue(text: string): unknown {
  if (!/^(true|false|-?\d+(\.\d+)?)$/.test(text)) return text;
  return parseYaml(text) as unknown;
}

function lineOfPath(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | undefined {
  for (let length = path.length; length >= 0; length--) {
    const start = startOf(document, path.slice(0, length));
    if (start !== undefined) return lines.linePos(start).line;
  }
  return undefined;
}

/** A key says where its value is; a value in a list has no key. */
function startOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  const last = path.at(-1);
  const parent = document.getIn(path.slice(0, -1), true);
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => (isScalar(key) ? key.value : key) === last);
    return (pair?.key as Node | undefined)?.range?.[0];
  }
  return (document.getIn(path, true) as Node | undefined)?.range?.[0];
}
