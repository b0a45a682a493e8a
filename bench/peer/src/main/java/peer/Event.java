package peer;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/** What the four features need of an event; Jackson skips the rest. */
@JsonIgnoreProperties(ignoreUnknown = true)
record Event(long time, long rows, List<String> tables, @JsonProperty("source_ip") String address) {}
