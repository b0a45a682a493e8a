import { posix } from 'node:path';
import { CORE, LAYERS, layerOf, PACKAGES, STAGE_FILES } from './layers.ts';
import { type Fault, isNode, nameOf, nodesOf, placeOf, type SourceFile, type SyntaxNode } from './source.ts';

const IMPORTING = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
]);

/** Imports point towards `domain`, as `LAYERS` and `PACKAGES` have it; also for types, since a type is knowledge too. */
export function importRule(file: SourceFile): readonly Fault[] {
  const layer = layerOf(file.path);
  if (layer === undefined || !file.path.endsWith('.ts')) return [];
  return importsOf(file).flatMap(({ from, node }) => {
    const what = from.startsWith('.') ? fileFault(file.path, layer, from) : packageFault(layer, from);
    return what === undefined ? [] : [{ where: placeOf(file, node.start), what }];
  });
}

function importsOf(file: SourceFile): readonly { readonly from: string; readonly node: SyntaxNode }[] {
  return nodesOf(file).flatMap(({ node }) => {
    if (!IMPORTING.has(node.type) || !isNode(node['source'])) return [];
    const from = node['source']['value'];
    // What is imported by a computed name is nobody's layer; `runtime` alone may.
    return typeof from === 'string' ? [{ from, node }] : [{ from: '(computed)', node }];
  });
}

function fileFault(path: string, layer: string, from: string): string | undefined {
  const target = posix.join(posix.dirname(path), from);
  if (STAGE_FILES.includes(path) && STAGE_FILES.includes(target)) return `a stage imports another stage: ${target}`;
  if (layer === 'detectors' && target.startsWith('detectors/')) return `a detector imports another: ${target}`;
  const allowed = [layer, ...(LAYERS[layer] ?? [])];
  if (allowed.some((one) => target === one || target.startsWith(`${one}/`))) return undefined;
  return `${layer} may not import ${target}; it may import ${allowed.join(', ')}`;
}

function packageFault(layer: string, from: string): string | undefined {
  if (from.startsWith('node:')) return CORE.includes(layer) ? `the core does no I/O: ${from}` : undefined;
  if (from === '(computed)') return layer === 'src/runtime' ? undefined : 'only src/runtime imports by a computed name';
  const name = from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/');
  const allowed = PACKAGES[layer] ?? [];
  return allowed.includes(name) ? undefined : `${layer} may not import the package ${name}`;
}

/** Every file under src stands in a layer that is declared. */
export function layerRule({ path }: SourceFile): readonly Fault[] {
  if (!path.startsWith('src/') || layerOf(path) !== undefined) return [];
  return [{ where: path, what: 'this folder stands in no layer: say in test/tidy/layers.ts what it may import' }];
}

/** Globals by which the world gets in. */
const WORLD = new Set([
  'process',
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'performance',
  'crypto',
  'console',
  'globalThis',
  'require',
]);
const IMPURE_MEMBERS = new Set(['Date.now', 'Math.random', 'Promise.all', 'Promise.resolve', 'Promise.withResolvers']);

/** The core is synchronous and touches nothing: no `async`, no present, no chance, no process, no network, no timers. */
export function purityRule(file: SourceFile): readonly Fault[] {
  if (!file.path.endsWith('.ts') || !CORE.some((folder) => file.path.startsWith(`${folder}/`))) return [];
  return nodesOf(file).flatMap(({ node, parent }) => {
    const what = impurity(node, parent);
    return what === undefined ? [] : [{ where: placeOf(file, node.start), what: `not in the core: ${what}` }];
  });
}

function impurity(node: SyntaxNode, parent: SyntaxNode | undefined): string | undefined {
  if (node['async'] === true) return 'async';
  switch (node.type) {
    case 'AwaitExpression':
      return 'await';
    case 'ForOfStatement':
      return node['await'] === true ? 'for await' : undefined;
    case 'MemberExpression': {
      const member = `${nameOf(node['object'])}.${nameOf(node['property'])}`;
      return IMPURE_MEMBERS.has(member) ? member : undefined;
    }
    case 'NewExpression': {
      const name = nameOf(node['callee']);
      if (name === 'Promise') return 'new Promise';
      return name === 'Date' && (node['arguments'] as readonly unknown[]).length === 0 ? 'new Date()' : undefined;
    }
    case 'CallExpression':
      return nameOf(node['callee']) === 'Date' ? 'Date()' : undefined;
    case 'Identifier': {
      const name = String(node['name']);
      return WORLD.has(name) && isReference(node, parent) ? name : undefined;
    }
    default:
      return undefined;
  }
}

/** Whether an identifier stands for a variable, and is not merely the name of a property. */
function isReference(node: SyntaxNode, parent: SyntaxNode | undefined): boolean {
  if (parent === undefined || parent['computed'] === true) return true;
  if (parent.type === 'MemberExpression') return parent['property'] !== node;
  if (parent.type === 'Property') return parent['value'] === node;
  return parent['key'] !== node;
}

/** Programs write through what they are given; logs go through pino. */
export function consoleRule(file: SourceFile): readonly Fault[] {
  if (!/^(src|detectors)\/.*\.ts$/.test(file.path)) return [];
  return nodesOf(file).flatMap(({ node }) =>
    node.type === 'MemberExpression' && nameOf(node['object']) === 'console'
      ? [{ where: placeOf(file, node.start), what: 'console: write through CliIo, or log through pino' }]
      : [],
  );
}
