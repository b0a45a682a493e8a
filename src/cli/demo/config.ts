import { stringify } from 'yaml';

/** Where the demo's pipeline gets its records, keeps its files, and sends its webhooks. */
export interface DemoPlaces {
  readonly folder: string;
  /** File with the history. */
  readonly history: string;
  /** Port for the events that are pushed live. */
  readonly port: number;
  /** Ingestion key for them. */
  readonly key: string;
  /** Signing secret of the webhooks. */
  readonly secret: string;
  readonly receiverUrl: string;
}

/** The demo's configuration, as a user would write it: embedded log and archive, two sources, signed webhooks, enforcing. */
export function demoConfig({ folder, history, port, key, secret, receiverUrl }: DemoPlaces): string {
  const webhook = { kind: 'webhook', secrets: [secret], allowInsecure: true, allowPrivateAddresses: true };
  return stringify({
    mode: 'enforce',
    dataFolder: folder,
    sources: [
      { name: 'history', kind: 'file', format: 'canonical', path: history, follow: false },
      { name: 'gateway', kind: 'http', format: 'canonical', port, keys: [key] },
    ],
    detection: { checkpointIntervalMs: 1000 },
    response: {
      receivers: { webhook: { ...webhook, url: `${receiverUrl}/alerts` } },
      revokers: { gateway: { ...webhook, url: `${receiverUrl}/revoke`, propagationMs: 500 } },
      revocation: { rules: [{ revoker: 'gateway' }] },
    },
  });
}
