import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALERT_ROWS, DELIVERY_ROWS, EVENT_ROWS, FINDING_ROWS, findingsOf } from '../../src/store/rows.ts';
import { arbitraryEvent } from './arbitrary-event.ts';
import { sampleAlert, sampleAssessment, sampleDelivery, sampleEvent, sampleLoggedAssessment } from './sample.ts';

/** Cells by column. */
function rowOf<T>(format: { columns: readonly string[]; cells: (item: T) => readonly unknown[] }, item: T) {
  const cells = format.cells(item);
  expect(cells).toHaveLength(format.columns.length);
  return Object.fromEntries(format.columns.map((column, index) => [column, cells[index]]));
}

describe('event rows', () => {
  it('carry every field of the event under its name, and where the log keeps it', () => {
    const logged = sampleEvent(7);
    const { at, isUnbounded, ...rest } = logged.event;
    expect(rowOf(EVENT_ROWS, logged)).toEqual({
      ...rest,
      at,
      is_unbounded: isUnbounded,
      ingest_time: logged.loggedAt,
      log_partition: logged.partition,
      log_offset: logged.offset,
    });
  });

  it('replace half surrogate pairs, which ClickHouse refuses, and nothing else', () => {
    const logged = sampleEvent(1, { statement: 'a\ud800b\u0000\udc00\ud83d\ude00', tables: ['\udfff.t'] });
    expect(rowOf(EVENT_ROWS, logged)).toMatchObject({ statement: 'a\ufffdb\u0000\ufffd😀', tables: ['\ufffd.t'] });
  });

  it.each([
    [-1, 0],
    [1.9, 1],
    [-0, 0],
    [1e300, Number.MAX_SAFE_INTEGER],
    [Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER],
    [Number.NaN, null],
    [null, null],
  ])('store a row count of %s as %s', (rows, stored) => {
    expect(rowOf(EVENT_ROWS, sampleEvent(1, { rows }))['rows']).toBe(stored);
  });

  it.each([
    [-5, 0],
    [Number.NaN, 0],
    [8.64e15, 2 ** 32 * 1000 - 1],
  ])('store a time of %s as %s', (at, stored) => {
    expect(rowOf(EVENT_ROWS, sampleEvent(1, { at }))['at']).toBe(stored);
  });

  it('never throw, and are JSON of one line', () => {
    fc.assert(
      fc.property(arbitraryEvent, (event) => {
        const line = JSON.stringify(EVENT_ROWS.cells({ event, partition: 0, offset: 1, loggedAt: 2 }));
        expect(line.isWellFormed() && !/[\n\r]/.test(line)).toBe(true);
      }),
    );
  });

  it('weigh what can be long', () => {
    const { weigh } = EVENT_ROWS;
    const base = weigh(sampleEvent(1, { statement: null, tables: [] }));
    expect(weigh(sampleEvent(1, { statement: 'x'.repeat(100), tables: ['abc', 'de'] }))).toBe(base + 105);
  });
});

describe('finding rows', () => {
  it('are one for each finding, in order', () => {
    const assessments = [sampleLoggedAssessment(1), sampleLoggedAssessment(2)];
    expect([...findingsOf(assessments)].map(({ finding }) => finding.id)).toEqual([
      'fnd_1_a',
      'fnd_1_b',
      'fnd_2_a',
      'fnd_2_b',
    ]);
  });

  it('keep evidence as JSON and survive scores that JSON does not know', () => {
    const assessment = { ...sampleAssessment(1), score: Number.POSITIVE_INFINITY };
    const [finding] = assessment.findings;
    const row = rowOf(FINDING_ROWS, { assessment, finding: finding!, partition: 0, offset: 1, loggedAt: 2 });
    expect(row).toMatchObject({ evidence: JSON.stringify(finding!.evidence), score: null });
  });
});

describe('alert and delivery rows', () => {
  it('keep the whole alert beside the columns that are searched', () => {
    const stored = sampleAlert(3, { severity: 'critical' });
    const row = rowOf(ALERT_ROWS, stored);
    expect(row).toMatchObject({
      id: 'alr_3',
      revision: 3,
      severity: 'critical',
      title: 'New network',
      revocation: 'none',
    });
    expect(JSON.parse(row['body'] as string)).toEqual({ alert: stored.alert, revocation: null });
  });

  it('name the step, its reason and its outcome', () => {
    const change = sampleDelivery(4, { state: 'refused', detail: '404', attemptCount: 2 });
    expect(rowOf(DELIVERY_ROWS, change)).toMatchObject({
      action_id: 'act_4',
      state: 'refused',
      detail: '404',
      attempt: 2,
      reason_code: 'policy-revokes',
    });
  });
});
