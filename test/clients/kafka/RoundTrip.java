import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/** Arguments: bootstrap server, compression. Prints "all well" at the end; any other end is a failure. */
public class RoundTrip {
  static final int COUNT = 1000;
  static final String TOPIC = "java.round-trip";

  static Map<String, Object> common(String server) {
    return new HashMap<>(Map.of("bootstrap.servers", server));
  }

  static void check(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
  }

  static void produce(String server, String codec) throws Exception {
    var config = common(server);
    config.put("compression.type", codec);
    config.put("linger.ms", "2");
    try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      List<java.util.concurrent.Future<RecordMetadata>> sent = new ArrayList<>();
      for (int i = 0; i < COUNT; i++) {
        var record = new ProducerRecord<>(TOPIC, null, 1000L + i, "key " + i % 7, "value " + i);
        record.headers().add("n", Integer.toString(i).getBytes());
        sent.add(producer.send(record));
      }
      for (int i = 0; i < COUNT; i++) check(sent.get(i).get().offset() == i, "offset of record " + i);
      try {
        producer.send(new ProducerRecord<>(TOPIC, "x".repeat(900_000).concat(UUID.randomUUID().toString()))).get();
      } catch (java.util.concurrent.ExecutionException e) {
        check(false, "a record below the limit was refused: " + e);
      }
    }
  }

  static KafkaConsumer<String, String> consumer(String server, String group) {
    var config = common(server);
    config.put("group.id", group);
    config.put("auto.offset.reset", "earliest");
    config.put("enable.auto.commit", "false");
    config.put("max.poll.records", "10000");
    return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
  }

  static void consume(String server) {
    var seen = new ArrayList<ConsumerRecord<String, String>>();
    try (var consumer = consumer(server, "readers")) {
      consumer.subscribe(List.of(TOPIC));
      while (seen.size() < COUNT) for (var record : consumer.poll(Duration.ofSeconds(5))) seen.add(record);
      for (int i = 0; i < COUNT; i++) {
        var record = seen.get(i);
        check(record.offset() == i && record.value().equals("value " + i), "record " + i + " is " + record);
        check(record.key().equals("key " + i % 7) && record.timestamp() == 1000 + i, "key and time of " + record);
        check(new String(record.headers().lastHeader("n").value()).equals("" + i), "header of " + record);
      }
      consumer.commitSync(Map.of(new TopicPartition(TOPIC, 0), new OffsetAndMetadata(990, "note")));
    }
    try (var consumer = consumer(server, "readers")) {
      consumer.subscribe(List.of(TOPIC));
      ConsumerRecords<String, String> records;
      do records = consumer.poll(Duration.ofSeconds(5)); while (records.isEmpty());
      check(records.iterator().next().offset() == 990, "resumes at the committed offset");
    }
  }

  static void seek(String server) {
    try (var consumer = consumer(server, "seekers")) {
      var partition = new TopicPartition(TOPIC, 0);
      consumer.assign(List.of(partition));
      var found = consumer.offsetsForTimes(Map.of(partition, 1500L)).get(partition);
      check(found.offset() == 500 && found.timestamp() == 1500, "offset for a time: " + found);
      check(consumer.beginningOffsets(List.of(partition)).get(partition) == 0, "beginning");
      check(consumer.endOffsets(List.of(partition)).get(partition) == COUNT + 1, "end");
      consumer.seek(partition, 500);
      ConsumerRecords<String, String> records;
      do records = consumer.poll(Duration.ofSeconds(5)); while (records.isEmpty());
      check(records.iterator().next().value().equals("value 500"), "reads on from there");
      var noReset = common(server);
      noReset.put("auto.offset.reset", "none");
      try (var strict = new KafkaConsumer<>(noReset, new StringDeserializer(), new StringDeserializer())) {
        strict.assign(List.of(partition));
        strict.seek(partition, 1_000_000);
        try {
          for (int i = 0; i < 5; i++) strict.poll(Duration.ofSeconds(1));
          check(false, "an offset out of range was taken");
        } catch (org.apache.kafka.clients.consumer.OffsetOutOfRangeException expected) {
          // as it should be
        }
      }
    }
  }

  public static void main(String[] args) throws Exception {
    produce(args[0], args[1]);
    consume(args[0]);
    seek(args[0]);
    System.out.println("all well");
  }
}
