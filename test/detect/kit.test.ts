import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import * as kit from '../../src/detect/kit.ts';

const FOLDER = join(import.meta.dirname, '../../detectors');

it('the kit has whatever our own detectors take from baselines: theirs is a detector like any other', () => {
  const taken = readdirSync(FOLDER).flatMap((file) => valuesFromBaselines(readFileSync(join(FOLDER, file), 'utf8')));
  expect(taken.length).toBeGreaterThan(50);
  expect([...new Set(taken)].filter((name) => !(name in kit))).toEqual([]);
});

function valuesFromBaselines(source: string): readonly string[] {
  const imports = source.matchAll(/^import \{([^}]*)\} from '\.\.\/src\/baseline\//gm);
  return [...imports].flatMap(([, names = '']) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && !name.startsWith('type ')),
  );
}
