import type { Fault, SourceFile } from './source.ts';

const PATH = 'ARCHITECTURE.md';
const HEADING = '## Code map';

/** Every folder of src has its paragraph in the code map. (That every path named there exists is `pathRule`'s business.) */
export function codeMapRule(files: readonly SourceFile[]): readonly Fault[] {
  const text = files.find(({ path }) => path === PATH)?.text ?? '';
  const from = text.indexOf(HEADING);
  if (from === -1) return [{ where: PATH, what: `has no "${HEADING}"` }];
  const next = text.indexOf('\n## ', from + HEADING.length);
  const map = text.slice(from, next === -1 ? undefined : next);
  const folders = new Set(
    files.flatMap(({ path }) => /^(src\/[^/]+|detectors|test|bench|deploy)\//.exec(path)?.[1] ?? []),
  );
  return [...folders]
    .filter((folder) => !map.includes(`\`${folder}/\``))
    .map((folder) => ({ where: PATH, what: `the code map says nothing of \`${folder}/\`` }));
}
