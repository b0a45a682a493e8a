import { z } from 'zod';
import { alertMessageOf } from '../alert-message.ts';
import { openHttp } from '../http.ts';
import { checkTarget, httpOptions, secretUrl } from '../http-options.ts';
import { defineReceiver } from '../registry.ts';
import { openSigner, signingSecrets } from '../sign.ts';

export default defineReceiver({
  kind: 'webhook',
  title: 'Signed webhook',
  description:
    'POSTs every notification as JSON (AlertMessage, version 1) to a URL of yours, signed as Standard Webhooks says (webhook-id, webhook-timestamp, webhook-signature). Any 2xx answer accepts it; 408, 425, 429, 5xx and broken connections are tried again, other answers are final. The same notification may arrive more than once, always under the same webhook-id (and Idempotency-Key): drop what you have seen.',
  config: z
    .strictObject({
      url: secretUrl('Where notifications are posted to.'),
      secrets: signingSecrets(),
      ...httpOptions({ timeoutMs: 10_000 }),
    })
    .superRefine(checkTarget),
  example: {
    url: 'https://alerts.example.com/tokenwarden',
    secrets: ['whsec_cmVwbGFjZS10aGlzLWJ5LTMyLXJhbmRvbS1ieXRlcyE='],
  },
  pace: { concurrentMax: 4, intervalMs: 0 },

  open(config, ports) {
    const endpoint = openHttp(config, ports);
    const sign = openSigner(config.secrets);
    return {
      kind: 'webhook',
      async send(notification, signal) {
        const { id } = notification.action;
        const body = JSON.stringify(alertMessageOf(notification));
        const headers = { ...sign(id, body, ports.clock.now()), 'idempotency-key': id };
        return (await endpoint.post(body, headers, signal)).outcome;
      },
      close: endpoint.close,
    };
  },
});
