import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/** Arguments: bootstrap server, assignor class, "static" or "dynamic". Prints "all well" at the end. */
public class Groups {
  static final int PARTITIONS = 12;
  static final String TOPIC = "java.groups";

  static void check(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
  }

  static KafkaConsumer<String, String> consumer(String[] args, String name) {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", args[0]);
    config.put("group.id", "members");
    config.put("partition.assignment.strategy", args[1]);
    config.put("auto.offset.reset", "earliest");
    config.put("heartbeat.interval.ms", "100");
    config.put("session.timeout.ms", "6000");
    config.put("fetch.max.wait.ms", "100");
    if (args[2].equals("static")) config.put("group.instance.id", name);
    var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    consumer.subscribe(List.of(TOPIC));
    return consumer;
  }

  /** Polls all of them until each has its number of partitions. */
  static void until(List<KafkaConsumer<String, String>> consumers, List<Integer> shares, Set<String> seen) {
    long deadline = System.currentTimeMillis() + 30_000;
    for (;;) {
      var now = new ArrayList<Integer>();
      for (var consumer : consumers) {
        for (var record : consumer.poll(Duration.ofMillis(50))) seen.add(record.value());
        now.add(consumer.assignment().size());
      }
      if (now.equals(shares)) return;
      check(System.currentTimeMillis() < deadline, "shares are " + now + ", not " + shares);
    }
  }

  static void produce(String server, String name) throws Exception {
    Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", server));
    try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      for (int i = 0; i < PARTITIONS; i++) producer.send(new ProducerRecord<>(TOPIC, i, null, name + i)).get();
    }
  }

  static void untilSeen(List<KafkaConsumer<String, String>> consumers, Set<String> seen, int count) {
    long deadline = System.currentTimeMillis() + 30_000;
    while (seen.size() < count) {
      for (var consumer : consumers) for (var record : consumer.poll(Duration.ofMillis(50))) seen.add(record.value());
      check(System.currentTimeMillis() < deadline, "saw " + seen.size() + " of " + count);
    }
  }

  public static void main(String[] args) throws Exception {
    try (var admin = Admin.create(Map.of("bootstrap.servers", args[0]))) {
      admin.createTopics(List.of(new NewTopic(TOPIC, PARTITIONS, (short) 1))).all().get();
      var seen = new HashSet<String>();
      var first = consumer(args, "first");
      until(List.of(first), List.of(12), seen);
      var second = consumer(args, "second");
      until(List.of(first, second), List.of(6, 6), seen);
      produce(args[0], "a");
      untilSeen(List.of(first, second), seen, PARTITIONS);
      first.commitSync();
      second.commitSync();
      var described = admin.describeConsumerGroups(List.of("members")).all().get().get("members");
      check(described.members().size() == 2, "two members: " + described);
      if (args[2].equals("static")) {
        second.close();
        var again = consumer(args, "second");
        until(List.of(first, again), List.of(6, 6), seen);
        second = again;
        produce(args[0], "b");
        untilSeen(List.of(first, second), seen, 2 * PARTITIONS);
        second.commitSync();
        second.close();
        admin.removeMembersFromConsumerGroup("members",
          new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("second")))).all().get();
      } else {
        second.close();
      }
      until(List.of(first), List.of(12), seen);
      first.commitSync();
      first.close();
      if (args[2].equals("static")) {
        admin.removeMembersFromConsumerGroup("members",
          new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("first")))).all().get();
      }
      var offsets = admin.listConsumerGroupOffsets("members").partitionsToOffsetAndMetadata().get();
      check(offsets.get(new TopicPartition(TOPIC, 3)).offset() >= 1, "committed: " + offsets);
      admin.deleteConsumerGroups(List.of("members")).all().get();
      check(admin.listGroups().all().get().isEmpty(), "the group is gone");
      admin.deleteRecords(Map.of(new TopicPartition(TOPIC, 3), RecordsToDelete.beforeOffset(1))).all().get();
      var earliest = admin.listOffsets(Map.of(new TopicPartition(TOPIC, 3), OffsetSpec.earliest())).all().get();
      check(earliest.get(new TopicPartition(TOPIC, 3)).offset() == 1, "deleted records: " + earliest);
      check(admin.describeCluster().nodes().get().size() == 1, "one broker");
    }
    System.out.println("all well");
  }
}
