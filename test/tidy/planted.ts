/** A violation for a rule to find, beside the same thing done right. The rules pass this file over. */
export interface Planted {
  readonly rule: string;
  readonly path: string;
  readonly wrong: string;
  readonly right: string;
}

const lines = (count: number) => Array.from({ length: count }, (_, i) => `  f(${i});`).join('\n');

export const PLANTED: readonly Planted[] = [
  // Imports
  {
    rule: 'imports',
    path: 'src/domain/a.ts',
    wrong: `import { b } from '../baseline/b.ts';`,
    right: `import { b } from './b.ts';`,
  },
  {
    rule: 'imports',
    path: 'src/detect/a.ts',
    wrong: `import type { B } from '../pipeline/b.ts';`,
    right: `import type { B } from '../baseline/b.ts';`,
  },
  { rule: 'imports', path: 'src/detect/a.ts', wrong: `import 'node:fs';`, right: `import 'zod';` },
  {
    rule: 'imports',
    path: 'src/decide/a.ts',
    wrong: `export { b } from '../deliver/b.ts';`,
    right: `export { b } from '../domain/b.ts';`,
  },
  {
    rule: 'imports',
    path: 'src/decide/a.ts',
    wrong: `import { b } from '../baseline/slab.ts';`,
    right: `import { b } from '../baseline/time.ts';`,
  },
  {
    rule: 'imports',
    path: 'src/domain/a.ts',
    wrong: `let b: import('../log/log.ts').Log;`,
    right: `let b: import('./log.ts').Log;`,
  },
  { rule: 'imports', path: 'src/baseline/a.ts', wrong: `const b = await import(name);`, right: `const b = name;` },
  { rule: 'imports', path: 'src/domain/a.ts', wrong: `import 'zod';`, right: '' },
  {
    rule: 'imports',
    path: 'src/pipeline/a.ts',
    wrong: `import { b } from '../log/kafka.ts';`,
    right: `import { b } from '../log/log.ts';`,
  },
  {
    rule: 'imports',
    path: 'src/pipeline/a.ts',
    wrong: `import { b } from '../store/b.ts';`,
    right: `import { b } from '../decide/b.ts';`,
  },
  {
    rule: 'imports',
    path: 'src/pipeline/detect.ts',
    wrong: `import { b } from './respond.ts';`,
    right: `import { b } from './topics.ts';`,
  },
  {
    rule: 'imports',
    path: 'src/log/a.ts',
    wrong: `import { b } from '../runtime/b.ts';`,
    right: `import { b } from '../domain/b.ts';`,
  },
  { rule: 'imports', path: 'src/runtime/a.ts', wrong: `import 'kafkajs';`, right: `import '../log/kafka.ts';` },
  { rule: 'imports', path: 'src/store/a.ts', wrong: `import 'kafkajs';`, right: `import '@clickhouse/client/web';` },
  {
    rule: 'imports',
    path: 'detectors/a.ts',
    wrong: `import b from './b.ts';`,
    right: `import { b } from '../src/detect/b.ts';`,
  },
  {
    rule: 'imports',
    path: 'detectors/a.ts',
    wrong: `import { b } from '../src/decide/b.ts';`,
    right: `import { b } from '../src/baseline/b.ts';`,
  },
  { rule: 'imports', path: 'detectors/a.ts', wrong: `import 'pino';`, right: `import 'simple-statistics';` },
  { rule: 'layers', path: 'src/plugins/a.ts', wrong: '', right: '' },
  // Purity
  { rule: 'purity', path: 'detectors/a.ts', wrong: 'export async function f() {}', right: 'export function f() {}' },
  { rule: 'purity', path: 'src/detect/a.ts', wrong: 'const f = async () => 1;', right: 'const f = () => 1;' },
  { rule: 'purity', path: 'src/decide/a.ts', wrong: 'await f();', right: 'f();' },
  {
    rule: 'purity',
    path: 'src/decide/a.ts',
    wrong: 'for await (const a of b) f(a);',
    right: 'for (const a of b) f(a);',
  },
  { rule: 'purity', path: 'src/decide/a.ts', wrong: 'const now = Date.now();', right: 'const at = Date.UTC(2026, 1);' },
  {
    rule: 'purity',
    path: 'src/enrich/a.ts',
    wrong: 'const now = new Date();',
    right: 'const at = new Date(event.at);',
  },
  { rule: 'purity', path: 'src/enrich/a.ts', wrong: 'const now = Date();', right: 'const at = f();' },
  { rule: 'purity', path: 'src/simulate/a.ts', wrong: 'const a = Math.random();', right: 'const a = random();' },
  { rule: 'purity', path: 'src/domain/a.ts', wrong: 'const a = process.env;', right: 'const a = stage.process;' },
  {
    rule: 'purity',
    path: 'src/domain/a.ts',
    wrong: 'const { a } = { a: process };',
    right: 'const a = { process: 1 };',
  },
  { rule: 'purity', path: 'src/normalise/a.ts', wrong: `fetch('x');`, right: `log.fetch('x');` },
  { rule: 'purity', path: 'src/baseline/a.ts', wrong: 'setTimeout(f, 1);', right: 'f(1);' },
  { rule: 'purity', path: 'src/baseline/a.ts', wrong: 'const a = performance.now();', right: 'const a = clock.now();' },
  { rule: 'purity', path: 'src/baseline/a.ts', wrong: 'new Promise(f);', right: 'let a: Promise<void>;' },
  { rule: 'console', path: 'src/cli/a.ts', wrong: `console.log('a');`, right: `io.out('a');` },
  // Shape and names
  {
    rule: 'functions',
    path: 'src/cli/a.ts',
    wrong: `function a() {\n${lines(69)}\n}`,
    right: `function a() {\n${lines(68)}\n}`,
  },
  {
    rule: 'functions',
    path: 'detectors/a.ts',
    wrong: `const a = { score() {\n${lines(69)}\n} };`,
    right: `const a = {\n  b: [\n${lines(90).replaceAll(';', ',')}\n] };`,
  },
  { rule: 'files', path: 'src/cli/a.ts', wrong: 'f();\n'.repeat(501), right: 'f();\n'.repeat(500) },
  { rule: 'names', path: 'src/cli/string-utils.ts', wrong: '', right: '' },
  { rule: 'names', path: 'src/cli/rowCount.ts', wrong: '', right: '' },
  { rule: 'names', path: 'src/helpers/a.ts', wrong: '', right: '' },
  { rule: 'names', path: 'src/cli/a.ts', wrong: 'export class TopicManager {}', right: 'class TopicManager {}' },
  {
    rule: 'names',
    path: 'src/cli/a.ts',
    wrong: 'export const onHit = 1, b = 2;',
    right: 'export const white = 1, b = 2;',
  },
  {
    rule: 'names',
    path: 'src/cli/a.ts',
    wrong: 'export interface UserProfiles {}',
    right: 'export interface Baselines {}',
  },
  {
    rule: 'names',
    path: 'src/cli/a.ts',
    wrong: `export { a as handler } from './b.ts';`,
    right: `export { handler as a } from './b.ts';`,
  },
  // Text
  {
    rule: 'addresses',
    path: 'test/a.test.ts',
    wrong: `const a = '8.8.8.8';`,
    right: `const a = ['192.0.2.1', '10.1.2.3', '100.64.0.1', '127.0.0.1', '0.0.0.0', '999.1.1.1', '1.2.3.4.5', '(version 26.3.1.1)'];`,
  },
  {
    rule: 'addresses',
    path: 'docs/a.md',
    wrong: 'from 52.1.2.3:443',
    right: 'from 203.0.113.7, 198.51.100.7:443, 169.254.169.254, 12:30:00',
  },
  {
    rule: 'addresses',
    path: 'test/a.test.ts',
    wrong: `const a = '2a00:1450::8';`,
    right: `const a = ['2001:db8::1', '::1', 'fe80::1', 'a::b'.length];`.replace(`, 'a::b'.length`, ''),
  },
  { rule: 'unfinished', path: 'src/cli/a.ts', wrong: '// TODO: later', right: '// to do later' },
  { rule: 'unfinished', path: 'README.md', wrong: 'FIXME', right: 'prefixme' },
  {
    rule: 'machines',
    path: 'docs/a.md',
    wrong: 'in /home/somebody/src',
    right: 'in ~/src, https://example.com/work/a, and ../work/b',
  },
  { rule: 'machines', path: '.npmrc', wrong: 'registry=https://registry.example.com', right: 'fund=false' },
  { rule: 'machines', path: 'package-lock.json', wrong: '"https://registry.npmjs.org/zod"', right: '"zod"' },
  {
    rule: 'spelling',
    path: 'src/cli/a.ts',
    wrong: 'const normalizedName = 1;',
    right: `const normalisedName = a.normalize('NFC');`,
  },
  { rule: 'spelling', path: 'docs/a.md', wrong: 'Its behavior is odd.', right: 'Its behaviour is odd.' },
  {
    rule: 'spelling',
    path: 'src/cli/a.ts',
    wrong: '/** Was canceled. */',
    right: '/** Was cancelled; NO_COLOR is kept. */',
  },
  {
    rule: 'paths',
    path: 'docs/a.md',
    wrong: 'see `src/nowhere/a.ts`',
    right: 'see `src/domain/` and `src/<folder>/a.ts`',
  },
  {
    rule: 'paths',
    path: 'src/cli/a.ts',
    wrong: '/** As in `src/nowhere/a.ts`. */',
    right: `const a = '\`src/nowhere/a.ts\`';`,
  },

  // The lockfile
  {
    rule: 'lockfile',
    path: 'package-lock.json',
    wrong: '{ "packages": { "node_modules/a": { "optionalDependencies": { "a-linux": "1.0.0" } } } }',
    right:
      '{ "packages": { "node_modules/a": { "optionalDependencies": { "a-linux": "1.0.0" } }, "node_modules/a-linux": {} } }',
  },
];

/** Right things for the rules whose right and wrong differ in the path. */
export const RIGHT_PATHS: Readonly<Record<string, string>> = {
  'src/plugins/a.ts': 'src/cli/a.ts',
  'src/cli/string-utils.ts': 'src/cli/safe-text.ts',
  'src/cli/rowCount.ts': 'src/cli/row-count.ts',
  'src/helpers/a.ts': 'src/cli/a.ts',
};
