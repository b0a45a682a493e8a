import { safeText } from '../deliver/safe-text.ts';

/** Longest text that is shown. */
const CHARS_MAX = 1000;
/** Longest attribute: the path of a curve has hundreds of points. */
const ATTRIBUTE_CHARS_MAX = 100_000;

/** A piece of HTML or SVG that may stand in a page as it is. Only `html` and `element` make one. */
class Markup {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

export type { Markup };

/** What may stand between tags. A text is taken for a stranger's, whoever wrote it. */
export type Content = Markup | string | number | null | readonly Content[];

/** HTML with what is put into it made safe: treacherous characters shown, markup escaped, in attributes too if they are in double quotes. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return new Markup(strings.map((text, i) => `${text}${textOf(contents[i] ?? null)}`).join(''));
}

/** One element of HTML or SVG. Numbers are rounded to a tenth, which is less than a pixel. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...contents: readonly Content[]
): Markup {
  const written = Object.entries(attributes).map(
    ([key, value]) =>
      ` ${key}="${typeof value === 'number' ? Math.round(value * 10) / 10 : escaped(value, ATTRIBUTE_CHARS_MAX)}"`,
  );
  return new Markup(`<${name}${written.join('')}>${textOf(contents)}</${name}>`);
}

function textOf(content: Content): string {
  if (content === null) return '';
  if (content instanceof Markup) return content.toString();
  if (typeof content === 'object') return content.map(textOf).join('');
  return escaped(String(content));
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string, charsMax = CHARS_MAX): string {
  return safeText(text, charsMax).replace(/[&<>"']/g, (char) => ESCAPES[char] ?? '');
}
