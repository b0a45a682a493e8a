package peer;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** What the four features need of an event; Jackson skips the rest. */
@JsonIgnoreProperties(ignoreUnknown = true)
record Event(long time, long rows, List<String> tables, @JsonProperty("source_ip") String address) {
  private static final ObjectReader READER = new ObjectMapper().readerFor(Event.class);

  static Serde<Event> serde() {
    return Serdes.serdeFrom(
        (topic, event) -> {
          throw new UnsupportedOperationException("events are only read");
        },
        (topic, bytes) -> {
          try {
            return bytes == null ? null : READER.readValue(bytes);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }
}
