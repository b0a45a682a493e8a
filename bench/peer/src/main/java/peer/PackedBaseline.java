package peer;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** The same as {@link Baseline}, packed by hand: names as hashes, everything as bytes. What a team does that has found its serializer too slow. */
final class PackedBaseline {
  private static final double EWMA_WEIGHT = 0.05;
  private static final int HOURS = 24;
  private static final long HOUR_MS = 3_600_000;
  private static final int TABLES_MAX = 64;
  private static final int ADDRESSES_MAX = 32;

  private double rows;
  private final int[] hours;
  private int[] tables;
  private int[] addresses;

  PackedBaseline() {
    this(0, new int[HOURS], new int[0], new int[0]);
  }

  private PackedBaseline(double rows, int[] hours, int[] tables, int[] addresses) {
    this.rows = rows;
    this.hours = hours;
    this.tables = tables;
    this.addresses = addresses;
  }

  PackedBaseline learn(Event event) {
    rows += EWMA_WEIGHT * (event.rows() - rows);
    hours[(int) (event.time() / HOUR_MS % HOURS)] += 1;
    if (event.tables() != null) {
      for (String table : event.tables()) tables = with(tables, table.hashCode(), TABLES_MAX);
    }
    if (event.address() != null) addresses = with(addresses, event.address().hashCode(), ADDRESSES_MAX);
    return this;
  }

  private static int[] with(int[] set, int member, int max) {
    for (int known : set) {
      if (known == member) return set;
    }
    if (set.length == max) return set;
    int[] grown = Arrays.copyOf(set, set.length + 1);
    grown[set.length] = member;
    return grown;
  }

  static Serde<PackedBaseline> serde() {
    return Serdes.serdeFrom((topic, baseline) -> baseline.toBytes(), (topic, bytes) -> fromBytes(bytes));
  }

  private byte[] toBytes() {
    ByteBuffer buffer = ByteBuffer.allocate(8 + 4 * HOURS + 2 + 4 * (tables.length + addresses.length));
    buffer.putDouble(rows);
    for (int hour : hours) buffer.putInt(hour);
    buffer.put((byte) tables.length);
    for (int table : tables) buffer.putInt(table);
    buffer.put((byte) addresses.length);
    for (int address : addresses) buffer.putInt(address);
    return buffer.array();
  }

  private static PackedBaseline fromBytes(byte[] bytes) {
    if (bytes == null) return null;
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    double rows = buffer.getDouble();
    return new PackedBaseline(rows, ints(buffer, HOURS), ints(buffer, buffer.get()), ints(buffer, buffer.get()));
  }

  private static int[] ints(ByteBuffer buffer, int count) {
    int[] values = new int[count];
    for (int i = 0; i < count; i++) values[i] = buffer.getInt();
    return values;
  }
}
