import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'vitest/node';

/** A file of the repository, as the rules see it. */
export interface SourceFile {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** Something a rule objects to. */
export interface Fault {
  /** `path:line`. */
  readonly where: string;
  readonly what: string;
}

/** A node of the syntax tree (ESTree, with the types of TypeScript-ESTree). */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const ROOT = join(import.meta.dirname, '..', '..');
/** Made or fetched, and none of ours. */
const NOT_OURS = new Set(['.git', 'node_modules', 'dist', 'coverage', '.cache', '.tokenwarden']);
const BYTES_MAX = 1 << 20;

/** Every text file of the repository, in order of path. */
export function readRepository(): readonly SourceFile[] {
  return [...filesUnder('')].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function* filesUnder(folder: string): Generator<SourceFile> {
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    if (NOT_OURS.has(entry.name)) continue;
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* filesUnder(path);
    else if (entry.isFile()) {
      const bytes = readFileSync(join(ROOT, path));
      if (bytes.length <= BYTES_MAX && !bytes.includes(0)) yield { path, text: bytes.toString() };
    }
  }
}

/** Names the place of a character. */
export function placeOf({ path, text }: SourceFile, index: number): string {
  return `${path}:${lineOf(text, index)}`;
}

export function lineOf(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < index; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

/** A node with the nodes it stands in, nearest first. */
export interface Visited {
  readonly node: SyntaxNode;
  readonly parent: SyntaxNode | undefined;
}

const trees = new WeakMap<SourceFile, readonly Visited[]>();

/** Every node of a TypeScript file, outer ones first. */
export function nodesOf(file: SourceFile): readonly Visited[] {
  let nodes = trees.get(file);
  if (nodes === undefined) {
    nodes = [
      ...walk(parseAst(file.text, { lang: 'ts', sourceType: 'module' }, file.path) as unknown as SyntaxNode, undefined),
    ];
    trees.set(file, nodes);
  }
  return nodes;
}

function* walk(node: SyntaxNode, parent: SyntaxNode | undefined): Generator<Visited> {
  yield { node, parent };
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* walk(child, node);
  }
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** The name of an identifier; `undefined` for every other node. */
export function nameOf(value: unknown): string | undefined {
  return isNode(value) && value.type === 'Identifier' ? String(value['name']) : undefined;
}
