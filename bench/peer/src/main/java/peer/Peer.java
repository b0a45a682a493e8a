package peer;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * Keeps a baseline for every token with Kafka Streams: a keyed aggregate in an in-memory store with a changelog, at least once. A line
 * "kind topic count" on standard input has it read that many events from the topic's beginning, in a new application; it answers with the
 * milliseconds from the first event to the last. The kinds:
 *
 * <ul>
 *   <li>"plain": baselines as JSON, and no cache, so that what an event changed leaves at once;
 *   <li>"tuned": baselines packed by hand, and a cache, which holds what leaves back until the next commit.
 * </ul>
 *
 * <p>One process answers many lines, so that what the JIT compiler learned stays.
 */
public final class Peer {
  private static final int COMMIT_INTERVAL_MS = 5_000;
  private static final int FETCH_BYTES = 4 << 20;

  public static void main(String[] arguments) throws Exception {
    String brokers = arguments[0];
    Path folder = Path.of(arguments[1]);
    ExecutorService reading = Executors.newSingleThreadExecutor();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] words = line.split(" ");
      reading.submit(() -> answer(settings(brokers, folder, words[0]), words[0], words[1], Long.parseLong(words[2])));
    }
    // Whoever asked is gone, and with it perhaps the broker: there is nothing to end in good order.
    Runtime.getRuntime().halt(0);
  }

  private static void answer(Properties settings, String kind, String topic, long count) {
    try {
      System.out.println(read(settings, kind, topic, count));
    } catch (Exception e) {
      e.printStackTrace();
      Runtime.getRuntime().halt(1);
    }
  }

  private static Properties settings(String brokers, Path folder, String kind) {
    Properties settings = new Properties();
    // What each is fastest with on two cores: beside a thread of the plain one, a producer and a garbage collector keep another core busy.
    int cores = Runtime.getRuntime().availableProcessors();
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, kind.equals("tuned") ? cores : Math.max(1, cores / 2));
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "peer-" + System.nanoTime());
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, folder.toString());
    // As often as Tokenwarden's checkpoints, and as large fetches as the bare consumer's.
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, COMMIT_INTERVAL_MS);
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), FETCH_BYTES);
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    return settings;
  }

  private static long read(Properties settings, String kind, String topic, long count) throws Exception {
    AtomicLong seen = new AtomicLong();
    AtomicLong startedAt = new AtomicLong();
    CompletableFuture<Long> elapsedMs = new CompletableFuture<>();
    Runnable counted = () -> {
      long number = seen.incrementAndGet();
      if (number == 1) startedAt.set(System.nanoTime());
      if (number == count) elapsedMs.complete((System.nanoTime() - startedAt.get()) / 1_000_000);
    };
    Topology topology = kind.equals("tuned")
        ? topology(topic, counted, PackedBaseline::new, PackedBaseline::learn, stored(PackedBaseline.serde()).withCachingEnabled())
        : topology(topic, counted, Baseline::new, Baseline::learn, stored(Json.serde(Baseline.class)).withCachingDisabled());
    try (KafkaStreams streams = new KafkaStreams(topology, settings)) {
      streams.setUncaughtExceptionHandler(failure -> {
        elapsedMs.completeExceptionally(failure);
        return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
      });
      streams.start();
      return elapsedMs.get();
    }
  }

  private static <T> Materialized<String, T, KeyValueStore<Bytes, byte[]>> stored(Serde<T> serde) {
    return Materialized.<String, T>as(Stores.inMemoryKeyValueStore("baselines"))
        .withKeySerde(Serdes.String())
        .withValueSerde(serde)
        .withLoggingEnabled(Map.of());
  }

  private static <T> Topology topology(
      String topic,
      Runnable counted,
      Supplier<T> initial,
      BiFunction<T, Event, T> learn,
      Materialized<String, T, KeyValueStore<Bytes, byte[]>> stored) {
    StreamsBuilder builder = new StreamsBuilder();
    builder
        .stream(topic, Consumed.with(Serdes.String(), Json.serde(Event.class)))
        .groupByKey()
        .aggregate(
            initial::get,
            (token, event, baseline) -> {
              counted.run();
              return learn.apply(baseline, event);
            },
            stored);
    return builder.build();
  }
}
