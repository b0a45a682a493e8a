import { z } from 'zod';
import type { DeliveryOutcome } from '../../domain/action.ts';
import { openHttp } from '../http.ts';
import { checkTarget, httpOptions, secretUrl } from '../http-options.ts';
import { defineReceiver } from '../registry.ts';
import { renderAlert } from '../render.ts';
import { slackBlocks, slackFallback } from '../slack-blocks.ts';

export default defineReceiver({
  kind: 'slack',
  title: 'Slack',
  description:
    'Posts to a channel through a Slack incoming webhook, one message a second at most. Whatever came from an event stands in plain text or code spans: it can neither mention anybody nor be a link. Anybody who knows the URL can post to the channel: treat it as a secret.',
  config: z
    .strictObject({
      url: secretUrl('The incoming webhook’s URL, from the Slack app’s settings.'),
      ...httpOptions({ timeoutMs: 10_000 }),
    })
    .superRefine(checkTarget),
  example: { url: 'https://hooks.slack.com/services/T000/B000/XXXX' },
  // Slack allows about one message a second for each webhook.
  pace: { concurrentMax: 1, intervalMs: 1000 },

  open(config, ports) {
    const endpoint = openHttp(config, ports);
    return {
      kind: 'slack',
      async send(notification, signal) {
        const text = renderAlert(notification);
        const body = JSON.stringify({
          text: slackFallback(text),
          blocks: slackBlocks(text),
          unfurl_links: false,
          unfurl_media: false,
          link_names: false,
          parse: 'none',
        });
        const { outcome, body: answer } = await endpoint.post(body, {}, signal);
        return withSlackCode(outcome, answer);
      },
      close: endpoint.close,
    };
  },
});

/** Slack says what is wrong in one word (`invalid_blocks`, `channel_is_archived`). Anything longer is not Slack's. */
function withSlackCode(outcome: DeliveryOutcome, answer: string): DeliveryOutcome {
  if (outcome.kind === 'accepted' || !/^[a-z_]{1,64}$/.test(answer)) return outcome;
  return { ...outcome, detail: `${outcome.detail}: ${answer}` };
}
