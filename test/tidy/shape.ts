import { basename } from 'node:path';
import { type Fault, isNode, lineOf, nameOf, nodesOf, placeOf, type SourceFile, type SyntaxNode } from './source.ts';
import { BANNED_NAMES, wordsOf } from './words.ts';

const FUNCTION_LINES_MAX = 70;
const FILE_LINES_MAX = 500;
const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

/** What does not fit on a screen is not understood at a glance. Tests are lists and may be longer. */
export function functionLengthRule(file: SourceFile): readonly Fault[] {
  if (!/^(src|detectors|bench)\/.*\.ts$/.test(file.path)) return [];
  return nodesOf(file).flatMap(({ node, parent }) => {
    if (!FUNCTIONS.has(node.type)) return [];
    const lines = lineOf(file.text, node.end) - lineOf(file.text, node.start) + 1;
    if (lines <= FUNCTION_LINES_MAX) return [];
    const name = nameOf(node['id']) ?? nameOf(parent?.['key']) ?? nameOf(parent?.['id']) ?? 'a function';
    return [{ where: placeOf(file, node.start), what: `${name} has ${lines} lines, at most ${FUNCTION_LINES_MAX}` }];
  });
}

/** One subject a file. */
export function fileLengthRule(file: SourceFile): readonly Fault[] {
  if (!/^(src|detectors|test|bench)\/.*\.ts$/.test(file.path)) return [];
  const lines = file.text.split('\n').length - 1;
  if (lines <= FILE_LINES_MAX) return [];
  return [{ where: file.path, what: `${lines} lines, at most ${FILE_LINES_MAX}: split it by subject` }];
}

/** File names are kebab-case, and names say what a thing does. */
export function nameRule(file: SourceFile): readonly Fault[] {
  if (!/^(src|detectors|test|bench)\/.*\.ts$/.test(file.path)) return [];
  const faults: Fault[] = [];
  const stem = basename(file.path).replace(/(\.test)?\.ts$/, '');
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem)) faults.push({ where: file.path, what: 'file names are kebab-case' });
  const folders = file.path.split('/').slice(0, -1);
  for (const word of [...folders, stem].flatMap(wordsOf)) {
    if (BANNED_NAMES.has(word)) faults.push({ where: file.path, what: `"${word}" says nothing: name what it does` });
  }
  if (file.path.startsWith('test/')) return faults;
  for (const { name, node } of exportsOf(file)) {
    const word = wordsOf(name).find((candidate) => BANNED_NAMES.has(candidate));
    if (word) faults.push({ where: placeOf(file, node.start), what: `${name}: "${word}" says nothing` });
  }
  return faults;
}

function exportsOf(file: SourceFile): readonly { readonly name: string; readonly node: SyntaxNode }[] {
  return nodesOf(file).flatMap(({ node }) => {
    if (node.type !== 'ExportNamedDeclaration') return [];
    const { declaration, specifiers } = node;
    const names = (specifiers as readonly SyntaxNode[]).map((specifier) => nameOf(specifier['exported']));
    if (isNode(declaration)) {
      names.push(nameOf(declaration['id']));
      const declarators = (declaration['declarations'] ?? []) as readonly SyntaxNode[];
      names.push(...declarators.map((declarator) => nameOf(declarator['id'])));
    }
    return names.flatMap((name) => (name === undefined ? [] : [{ name, node }]));
  });
}
