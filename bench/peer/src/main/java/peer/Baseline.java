package peer;

import java.util.HashSet;
import java.util.Set;

/** What is normal for a token: an EWMA of rows, a histogram of hours, the tables and the addresses it uses. Bounded. */
public final class Baseline {
  private static final double EWMA_WEIGHT = 0.05;
  private static final int HOURS = 24;
  private static final long HOUR_MS = 3_600_000;
  private static final int TABLES_MAX = 64;
  private static final int ADDRESSES_MAX = 32;

  public double rows;
  public int[] hours = new int[HOURS];
  public Set<String> tables = new HashSet<>();
  public Set<String> addresses = new HashSet<>();

  Baseline learn(Event event) {
    rows += EWMA_WEIGHT * (event.rows() - rows);
    hours[(int) (event.time() / HOUR_MS % HOURS)] += 1;
    if (event.tables() != null) {
      for (String table : event.tables()) if (tables.size() < TABLES_MAX) tables.add(table);
    }
    if (event.address() != null && addresses.size() < ADDRESSES_MAX) addresses.add(event.address());
    return this;
  }
}
