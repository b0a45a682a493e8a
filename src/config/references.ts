import type { z } from 'zod';
import { nearestOf } from './problems.ts';
import type { Config } from './schema.ts';

/** What no single option can tell: names that must exist elsewhere, and options that need one another. */
export function checkReferences(config: Config, context: z.RefinementCtx): void {
  const complain = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message });
  checkSources(config, complain);
  checkResponse(config, complain);
  if (config.log.kind === 'kafka' && config.fingerprintKey === undefined) {
    complain(
      ['fingerprintKey'],
      'is needed with a Kafka log, since all processes must share it; openssl rand -hex 32 makes one',
    );
  }
}

type Complain = (path: PropertyKey[], message: string) => void;

function checkSources({ sources, log }: Config, complain: Complain): void {
  sources.forEach((source, i) => {
    const isFirst = sources.findIndex(({ name }) => name === source.name) === i;
    if (!isFirst) complain(['sources', i, 'name'], `another source is named "${source.name}"`);
    if (source.kind === 'kafka' && source.brokers === undefined && log.kind !== 'kafka') {
      complain(['sources', i, 'brokers'], 'is missing: name the brokers of the source’s cluster');
    }
    if (source.kind === 'stdin' && sources.findIndex(({ kind }) => kind === 'stdin') !== i) {
      complain(['sources', i, 'kind'], 'there is only one standard input');
    }
  });
}

function checkResponse({ mode, response }: Config, complain: Complain): void {
  const { receivers, revokers, routes = [], revocation } = response;
  routes.forEach((route, i) => {
    route.receivers.forEach((name, j) => {
      const fault = unknownName('receiver', name, Object.keys(receivers));
      if (fault) complain(['response', 'routes', i, 'receivers', j], fault);
    });
  });
  revocation.rules.forEach(({ revoker }, i) => {
    const fault = unknownName('revoker', revoker, Object.keys(revokers));
    if (fault) complain(['response', 'revocation', 'rules', i, 'revoker'], fault);
  });
  if (mode === 'enforce' && revocation.rules.length === 0) {
    complain(['mode'], '"enforce" needs a rule in response.revocation.rules: without one nothing can be revoked');
  }
}

function unknownName(what: string, name: string, known: readonly string[]): string | undefined {
  if (known.includes(name)) return undefined;
  const nearest = nearestOf(name, known);
  if (nearest) return `no ${what} is named "${name}"; did you mean "${nearest}"?`;
  return `no ${what} is named "${name}"; ${known.length > 0 ? `there are ${known.join(', ')}` : 'none is configured'}`;
}
