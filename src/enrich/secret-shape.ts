/**
 * Beginnings by which issuers mark a credential as a secret, from their documentation: GitHub, GitLab, Slack, Stripe, HashiCorp Vault, OpenAI,
 * npm, PyPI, DigitalOcean, Shopify, SendGrid, Databricks, Hoop, Tailscale, age; and a JSON Web Token's encoded `{"`.
 */
const SECRET_PREFIXES = [
  'ghp_',
  'gho_',
  'ghu_',
  'ghs_',
  'ghr_',
  'github_pat_',
  'glpat-',
  'xoxb-',
  'xoxp-',
  'xoxa-',
  'xoxs-',
  'xapp-',
  'sk_live_',
  'sk_test_',
  'rk_live_',
  'hvs.',
  'hvb.',
  'hvr.',
  's.',
  'sk-',
  'npm_',
  'pypi-',
  'dop_v1_',
  'shpat_',
  'SG.',
  'dapi',
  'hpk_',
  'tskey-',
  'AGE-SECRET-KEY-',
  'eyJ',
] as const;
const SECRET_CHARS_MIN = 20;

/** Whether a text looks like a credential itself rather than its id, so that it must not be stored. */
export function looksLikeSecret(token: string): boolean {
  return (
    token.length >= SECRET_CHARS_MIN && SECRET_PREFIXES.some((prefix) => token.startsWith(prefix)) && !/\s/.test(token)
  );
}
