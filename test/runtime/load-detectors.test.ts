import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BUILT_IN_FOLDER, loadDetectors } from '../../src/runtime/load-detectors.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenwarden-detectors-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('refuses a detector that would answer later, and says which of its functions would', async () => {
  const own = join(BUILT_IN_FOLDER, 'dormant-token.ts');
  const text = `import base from ${JSON.stringify(own)};
export default { ...base, id: 'late', score: async () => 1, bitsMax: Number.NaN };`;
  await writeFile(join(folder, 'late.mjs'), text);
  const refused = loadDetectors([folder]);
  await expect(refused).rejects.toThrow(/late\.mjs has no detector.*must not be async.*at score/s);
  await expect(refused).rejects.toThrow(/at bitsMax/);
});
