import console from './receivers/console.ts';
import slack from './receivers/slack.ts';
import webhook from './receivers/webhook.ts';
import type { ReceiverKind } from './registry.ts';

/** Every kind of receiver there is. A new one is a new file and a line here; a conformance test holds the two together. */
export const RECEIVER_KINDS: readonly ReceiverKind[] = [console, slack, webhook];
