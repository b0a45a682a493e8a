import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadDetectors } from '../runtime/load-detectors.ts';
import { generatedPages } from './docs/pages.ts';

// `npm run docs`: writes what is generated under docs/.
for (const [path, text] of generatedPages(await loadDetectors())) {
  const file = join(import.meta.dirname, '..', '..', 'docs', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
