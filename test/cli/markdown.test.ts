import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { loadDetectors } from '../../src/runtime/load-detectors.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGES = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const detectors = await loadDetectors();

/** The texts of a page's code blocks in a language. */
function blocks(page: string, language: string): readonly string[] {
  return [...page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text]) => text ?? '');
}

/** As GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

describe('README', () => {
  it.each(blocks(readme, 'yaml').map((text, i) => [i + 1, text] as const))(
    'its configuration %d is valid',
    async (_, text) => {
      const env = {
        SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/T0/B0/x',
        FINGERPRINT_KEY: '0123456789abcdef0123456789abcdef',
        CLICKHOUSE_PASSWORD: 'x',
        OPERATOR_URL: 'postgres://tokenwarden:x@db:5432/postgres?sslmode=verify-full',
      };
      const readFile = () => '';
      await loadConfig({ path: 'README.md', text, env, readFile, detectors, loadMore: async () => detectors });
    },
  );

  it('names every detector', () => {
    const named = [...readme.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, id]) => id);
    expect(named.sort()).toEqual(detectors.map(({ id }) => id).sort());
  });

  it.each([...readme.matchAll(/npm run (?:-s )?([a-z:]+)/g)].map(([, name]) => name))('`npm run %s` exists', (name) => {
    expect(Object.keys(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts)).toContain(name);
  });
});

describe.each(PAGES)('%s', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8').replace(/```[\s\S]*?```/g, '');

  it('links to what is there', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)];
    for (const [link, path = '', anchor] of links) {
      const target = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
      expect(existsSync(target), `${link} of ${page}`).toBe(true);
      if (anchor === undefined) continue;
      const headings = [...readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
        anchorOf(heading ?? ''),
      );
      expect(headings, `${link} of ${page}`).toContain(anchor);
    }
  });

  it('names files of the repository that are there', () => {
    const named = [...text.matchAll(/`((?:src|test|detectors|bench|deploy|docs)\/[\w./-]+\.\w+)`/g)].map(
      ([, path]) => path ?? '',
    );
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});
