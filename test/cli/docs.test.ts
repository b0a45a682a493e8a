import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { generatedPages } from '../../src/cli/docs/pages.ts';
import { loadDetectors } from '../../src/runtime/load-detectors.ts';

const DOCS = join(import.meta.dirname, '..', '..', 'docs');
const pages = generatedPages(await loadDetectors());

it.each([...pages.keys()])('docs/%s is what `npm run docs` writes', async (path) => {
  expect(await readFile(join(DOCS, path), 'utf8')).toBe(pages.get(path));
});

it('docs/schemas holds nothing else', async () => {
  const files = (await readdir(join(DOCS, 'schemas'))).map((name) => `schemas/${name}`);
  expect(files.sort()).toEqual([...pages.keys()].filter((path) => path.startsWith('schemas/')).sort());
});
