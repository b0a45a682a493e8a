import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PLANTED_BUGS, plant } from './sim/planted.ts';
import { codeMapRule } from './tidy/code-map.ts';
import { consoleRule, importRule, layerRule, purityRule } from './tidy/imports.ts';
import { LAYERS } from './tidy/layers.ts';
import { lockfileRule } from './tidy/lockfile.ts';
import { PLANTED, RIGHT_PATHS } from './tidy/planted.ts';
import { fileLengthRule, functionLengthRule, nameRule } from './tidy/shape.ts';
import { type Fault, readRepository, type SourceFile } from './tidy/source.ts';
import { addressRule, machineRule, pathRule, spellingRule, unfinishedRule } from './tidy/text.ts';

/**
 * The rules of the repository that no compiler and no linter holds. Each is first shown to find a planted violation and to leave the same
 * thing done right alone; then it has to find nothing in the tree.
 */

const ROOT = join(import.meta.dirname, '..');
const files = readRepository();
/** Violations on purpose, and the lists of what is forbidden. */
const OF_THE_RULES = new Set(['test/tidy/planted.ts', 'test/tidy/text.ts', 'test/tidy/words.ts']);

type Rule = (file: SourceFile) => readonly Fault[];

const RULES: Readonly<Record<string, Rule>> = {
  imports: importRule,
  layers: layerRule,
  purity: purityRule,
  console: consoleRule,
  functions: functionLengthRule,
  files: fileLengthRule,
  names: nameRule,
  addresses: addressRule,
  unfinished: unfinishedRule,
  machines: machineRule,
  spelling: spellingRule,
  lockfile: lockfileRule,
  paths: (file) => pathRule(file, (path) => existsSync(join(ROOT, path))),
};

function shown(faults: readonly Fault[]): readonly string[] {
  return faults.map(({ where, what }) => `${where}: ${what}`);
}

describe('each rule', () => {
  it.each(PLANTED.map((planted) => [planted.rule, planted.path, planted] as const))(
    '%s finds what is planted in %s',
    (name, path, planted) => {
      const rule = RULES[name];
      expect(rule, `no rule is called ${name}`).toBeDefined();
      expect(rule?.({ path, text: planted.wrong }).length).toBeGreaterThan(0);
      expect(shown(rule?.({ path: RIGHT_PATHS[path] ?? path, text: planted.right }) ?? [])).toEqual([]);
    },
  );

  it('is planted against', () => {
    expect(new Set(PLANTED.map(({ rule }) => rule))).toEqual(new Set(Object.keys(RULES)));
  });

  it('that looks at the whole tree: the code map', () => {
    const map = (text: string) => [
      { path: 'ARCHITECTURE.md', text },
      { path: 'src/domain/a.ts', text: '' },
    ];
    expect(codeMapRule(map('## Code map\n\n`src/domain/`: the words.\n\n## Next'))).toEqual([]);
    expect(codeMapRule(map('## Code map\n\nnothing\n\n## Next\n\n`src/domain/`'))).toHaveLength(1);
    expect(codeMapRule(map('no map'))).toHaveLength(1);
  });
});

describe('the tree', () => {
  it('is there', () => {
    expect(files.length).toBeGreaterThan(100);
  });

  it.each(Object.entries(RULES))('keeps the rule: %s', (_, rule) => {
    const faults = files.filter(({ path }) => !OF_THE_RULES.has(path)).flatMap(rule);
    expect(shown(faults)).toEqual([]);
  });

  it('has a paragraph for every folder in ARCHITECTURE.md', () => {
    expect(shown(codeMapRule(files))).toEqual([]);
  });

  it('has every folder that the table of layers speaks of', () => {
    const folders = readdirSync(join(ROOT, 'src')).map((name) => `src/${name}`);
    expect(Object.keys(LAYERS).filter((layer) => layer !== 'detectors' && !folders.includes(layer))).toEqual([]);
  });

  it.each(PLANTED_BUGS)('has the place where the simulator plants: $title', ({ edits }) => {
    for (const edit of edits) plant(readFileSync(join(ROOT, edit.file), 'utf8'), edit);
  });
});
