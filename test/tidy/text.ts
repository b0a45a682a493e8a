import ipaddr from 'ipaddr.js';
import { type Fault, nodesOf, placeOf, type SourceFile } from './source.ts';
import { SPELLING, SPELT_BY_OTHERS, wordsOf } from './words.ts';

const IPV4 = /(?<![\d.]|version )(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)/g;
const IPV6 = /(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:.])/gi;
/** Where addresses are made up. The rest of src knows ranges and makes up nothing. */
const MADE_UP = /^(?!src\/(?!simulate\/)|package-lock\.json).*\.(ts|md|ya?ml|json|csv|xml)$/;
/** A test of what may be called has to name addresses that anybody may call. */
const ABOUT_PUBLIC_ADDRESSES = new Set(['test/deliver/address.test.ts']);
/** The 6bone, given back (RFC 3701): public by its form and nobody's. */
const NOBODYS = ipaddr.parseCIDR('3ffe::/16');

/**
 * Addresses in fixtures, examples and documents are reserved ones (RFC 5737, RFC 3849, private and special ranges): a made-up address that is
 * somebody's is an accusation, and a call to it is a call.
 */
export function addressRule(file: SourceFile): readonly Fault[] {
  if (!MADE_UP.test(file.path) || ABOUT_PUBLIC_ADDRESSES.has(file.path)) return [];
  return [...file.text.matchAll(IPV4), ...file.text.matchAll(IPV6)].flatMap((match) =>
    isSomebodys(match[0])
      ? [{ where: placeOf(file, match.index), what: `${match[0]} may be somebody's: use 192.0.2.0/24, 2001:db8::/32` }]
      : [],
  );
}

function isSomebodys(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address.kind() === 'ipv6' && address.match(NOBODYS)) return false;
  return address.range() === 'unicast';
}

const UNFINISHED = /\b(TODO|FIXME|XXX|HACK)\b/g;

/** What is left to do is an issue, or is not left. */
export function unfinishedRule(file: SourceFile): readonly Fault[] {
  if (!/\.(ts|md|ya?ml)$/.test(file.path)) return [];
  return matchesOf(file, UNFINISHED, (text) => `${text}: finish it or open an issue`);
}

/** Places of one machine, and hosts of package registries, which are each user's own choice. */
const MACHINE = new RegExp(
  [
    String.raw`(?<![\w.:/])/(?:work|home/\w+|root|Users/\w+)/`,
    String.raw`\bregistry\.[a-z]+[a-z.]*\.[a-z]{2,}`,
    String.raw`\b(?:npmjs|yarnpkg|npmmirror|pypi|rubygems)\.(?:com|org)\b`,
    String.raw`\b(?:deb\.debian|archive\.ubuntu|repo1?\.maven|proxy\.golang|quay|ghcr)\.[a-z.]+`,
  ].join('|'),
  'g',
);

export function machineRule(file: SourceFile): readonly Fault[] {
  return matchesOf(file, MACHINE, (text) => `${text} is a place of one machine or a registry's host`);
}

/** British spelling, in code, comments and documents. */
export function spellingRule(file: SourceFile): readonly Fault[] {
  // SQL has words of its own.
  if (!/\.(ts|md|ya?ml)$/.test(file.path) || /normalise\/sql/.test(file.path)) return [];
  const faults: Fault[] = [];
  for (const [index, line] of file.text.split('\n').entries()) {
    const ours = SPELT_BY_OTHERS.reduce((text, pattern) => text.replaceAll(new RegExp(pattern, 'g'), ''), line);
    for (const word of wordsOf(ours)) {
      const british = SPELLING.get(word);
      if (british) faults.push({ where: `${file.path}:${index + 1}`, what: `"${word}" is spelt "${british}"` });
    }
  }
  return faults;
}

/** Comments that outlive their subject mislead: a path in a comment or document of ours exists. */
export function pathRule(file: SourceFile, exists: (path: string) => boolean): readonly Fault[] {
  if (!file.path.endsWith('.md') && !file.path.endsWith('.ts')) return [];
  const text = file.path.endsWith('.ts') ? commentsOnly(file) : file.text;
  return [...text.matchAll(/`((?:src|detectors|test|docs|deploy|bench)\/[\w./-]+)`/g)].flatMap((match) => {
    const path = (match[1] ?? '').replace(/\/$/, '');
    return exists(path) ? [] : [{ where: placeOf({ ...file, text }, match.index), what: `there is no ${path}` }];
  });
}

/** The file with everything but its comments blanked out, so that places stay. */
function commentsOnly(file: SourceFile): string {
  let shown = file.text;
  for (const { node } of nodesOf(file)) {
    if (node.type !== 'TemplateLiteral' && node.type !== 'Literal') continue;
    const blank = shown.slice(node.start, node.end).replace(/[^\n]/g, ' ');
    shown = shown.slice(0, node.start) + blank + shown.slice(node.end);
  }
  return shown;
}

function matchesOf(file: SourceFile, pattern: RegExp, what: (text: string) => string): readonly Fault[] {
  return [...file.text.matchAll(pattern)].map((match) => ({
    where: placeOf(file, match.index),
    what: what(match[0]),
  }));
}
