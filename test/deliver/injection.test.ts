import { describe, expect, it } from 'vitest';
import { systemResolve } from '../../src/deliver/address.ts';
import type { Notification } from '../../src/deliver/receiver.ts';
import consoleKind from '../../src/deliver/receivers/console.ts';
import { renderAlert } from '../../src/deliver/render.ts';
import { type SlackBlock, slackBlocks, slackFallback } from '../../src/deliver/slack-blocks.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { PAYLOADS } from './payloads.ts';
import {
  AT,
  sampleAction,
  sampleAlert,
  sampleAssessment,
  sampleFinding,
  sampleNotification,
  sampleRevocation,
} from './sample.ts';

const BENIGN = 'x';
const TREACHEROUS = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u{3164}\u{115f}\u{2800}]/u;

/** An alert in which an attacker has written every text there is. */
function hostile(payload: string): Notification {
  const finding = sampleFinding({
    title: payload,
    explanation: payload,
    evidence: [{ what: payload, observed: payload, expected: payload, sampleSize: 3 }],
  });
  const assessment = sampleAssessment({
    token: payload,
    principal: payload,
    owner: payload,
    environment: payload,
    address: payload,
    database: payload,
    application: payload,
    findings: [finding, { ...finding, contribution: 13.18 }],
  });
  return sampleNotification({
    action: sampleAction({ token: payload, principal: payload, reason: { code: 'first-notification', text: payload } }),
    alert: sampleAlert({ id: payload, token: payload, worst: assessment, latest: assessment }),
    revocation: sampleRevocation({ target: payload, reason: payload }),
    nextSteps: [payload],
    fleet: {
      cause: { detector: 'new-table', what: payload, name: payload },
      tokenCount: 30,
      tokens: Array.from({ length: 20 }, () => payload),
      since: AT,
      revoked: Array.from({ length: 20 }, () => ({ token: payload, alertId: payload })),
    },
  });
}

async function writeToConsole(notification: Notification, colour: boolean): Promise<string> {
  let written = '';
  const write = (text: string) => {
    written += text;
  };
  const receiver = consoleKind.open({ colour }, { clock: systemClock, resolve: systemResolve, write });
  await receiver.send(notification, new AbortController().signal);
  return written;
}

/** Every text of the message, as Slack reads it. */
function textsOf(notification: Notification) {
  const text = renderAlert(notification);
  const blocks = slackBlocks(text);
  const objects = blocks.flatMap(objectsOf);
  const mrkdwn = objects.filter(({ type }) => type === 'mrkdwn').map(({ text: shown }) => shown);
  return {
    blocks,
    objects,
    mrkdwn: [slackFallback(text), ...mrkdwn],
    plain: objects.filter(({ type }) => type === 'plain_text'),
  };
}

function objectsOf(block: SlackBlock): readonly { readonly type: string; readonly text: string }[] {
  if ('fields' in block) return block.fields;
  return 'elements' in block ? block.elements : [block.text];
}

/** What of a mrkdwn text is markup: everything outside code spans. */
function markupOf(mrkdwn: readonly string[]): readonly string[] {
  return mrkdwn.map((text) => text.replaceAll(/`[^`\n]*`/g, '□'));
}

it('there are at least 50 payloads', () => {
  expect(new Set(PAYLOADS).size).toBeGreaterThanOrEqual(50);
});

describe.each(PAYLOADS.map((payload, i) => [i, JSON.stringify(payload).slice(0, 60), payload] as const))(
  'payload %i %s',
  (_i, _name, payload) => {
    const slack = textsOf(hostile(payload));

    it('Slack: changes nothing outside code spans and plain text', () => {
      expect(markupOf(slack.mrkdwn)).toEqual(markupOf(textsOf(hostile(BENIGN)).mrkdwn));
      for (const text of slack.mrkdwn) {
        expect(text).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
        expect(text.replaceAll('\n', '')).not.toMatch(TREACHEROUS);
      }
    });

    it('Slack: plain text is plain', () => {
      for (const object of slack.plain) {
        expect(object).toMatchObject({ type: 'plain_text', emoji: false });
        expect(object.text).not.toContain('://');
        expect(object.text.replaceAll('\n', '')).not.toMatch(TREACHEROUS);
      }
      const lineCounts = (texts: typeof slack) => texts.plain.map(({ text }) => text.split('\n').length);
      expect(lineCounts(slack)).toEqual(lineCounts(textsOf(hostile(BENIGN))));
    });

    it('Slack: keeps every limit', () => {
      expectLimits(slack.blocks);
    });

    it('console: no control characters, no lines of its own', async () => {
      const written = await writeToConsole(hostile(payload), false);
      expect(written.replaceAll('\n', '')).not.toMatch(TREACHEROUS);
      const benign = await writeToConsole(hostile(BENIGN), false);
      expect(written.split('\n').length).toBe(benign.split('\n').length);
    });

    it('console: escapes are ours when colours are asked for', async () => {
      const written = await writeToConsole(hostile(payload), true);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
      expect(written.match(/\u001b\[\d+m/g)?.length).toBeGreaterThan(2);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
      expect(written.replaceAll(/\u001b\[\d+m|\n/g, '')).not.toMatch(TREACHEROUS);
    });
  },
);

describe('Slack’s limits', () => {
  it('are kept by the largest alert, and nobody’s names crowd out what was done', () => {
    for (const filler of ['&', '://', '`', '\u202e', 'x']) {
      const big = filler.repeat(9000);
      const finding = sampleFinding({
        title: big,
        explanation: big,
        contribution: 1,
        evidence: Array.from({ length: 20 }, () => ({ what: big, observed: big, expected: big, sampleSize: 1e9 })),
      });
      const base = hostile(big);
      const worst = { ...base.alert.worst, findings: Array.from({ length: 40 }, () => finding), score: 40 };
      const texts = textsOf({ ...base, alert: { ...base.alert, worst }, nextSteps: Array(40).fill(big) });
      expectLimits(texts.blocks);
      const shown = texts.objects.map(({ text }) => text).join('\n');
      for (const part of [
        'proven to be out of use',
        '14 events',
        'What to do',
        'Observed beside expected',
        'Score 40.0',
      ]) {
        expect(shown).toContain(part);
      }
    }
  });
});

function expectLimits(blocks: readonly SlackBlock[]): void {
  expect(blocks.length).toBeLessThanOrEqual(50);
  let charCount = 0;
  for (const block of blocks) {
    const objects = objectsOf(block);
    expect(objects.length).toBeLessThanOrEqual(10);
    const charsMax = block.type === 'header' ? 150 : 'fields' in block ? 2000 : 3000;
    for (const { text } of objects) {
      expect(text.length).toBeLessThanOrEqual(charsMax);
      expect(text.length).toBeGreaterThan(0);
      charCount += text.length;
    }
  }
  expect(charCount).toBeLessThanOrEqual(12_000);
}
