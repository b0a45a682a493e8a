import { createRecordView, type Field, type RecordView } from '../../src/baseline/record.ts';

/** A field in a record of its own, between bytes that it must leave alone. */
export function openField<Read, Write extends Read>(
  field: Field<Read, Write>,
): { readonly field: Write; readonly view: RecordView; readonly bytes: Uint8Array; readonly outside: () => boolean } {
  const margin = 16;
  const buffer = new ArrayBuffer(field.sizeBytes + 2 * margin);
  const view = createRecordView(buffer, 7);
  const bytes = new Uint8Array(buffer, margin, field.sizeBytes);
  const all = new Uint8Array(buffer);
  return {
    field: field.open(view, margin),
    view,
    bytes,
    /** Whether a byte outside of the field was written. */
    outside: () => [...all.subarray(0, margin), ...all.subarray(margin + field.sizeBytes)].some((byte) => byte !== 0),
  };
}
