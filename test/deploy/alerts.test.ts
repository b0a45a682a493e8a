import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string };
}

const ROOT = join(import.meta.dirname, '..', '..');
const file = parse(readFileSync(join(ROOT, 'deploy', 'prometheus-alerts.yaml'), 'utf8'));
const rules: readonly Rule[] = file.groups.flatMap((group: { readonly rules: readonly Rule[] }) => group.rules);
const page = readFileSync(join(ROOT, 'docs', 'operations.md'), 'utf8');

describe('the alerts for Prometheus', () => {
  it('are each explained, and no others are', () => {
    const explained = [...page.matchAll(/^### (\S+)$/gm)].map(([, name]) => name);
    expect(explained).toEqual(rules.map(({ alert }) => alert));
  });

  it.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s says how urgent it is and what is the matter',
    (_, rule) => {
      expect(
        Object.keys(rule).filter((key) => !['alert', 'expr', 'for', 'labels', 'annotations'].includes(key)),
      ).toEqual([]);
      expect(['page', 'ticket']).toContain(rule.labels.severity);
      expect(rule.annotations.summary).toMatch(/\.$/);
      expect(rule.expr).toMatch(/tokenwarden/);
      expect(rule.for ?? '0s').toMatch(/^\d+[sm]$/);
    },
  );
});
