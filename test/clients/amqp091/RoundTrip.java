import com.rabbitmq.client.*;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.*;

/** The Java client: confirms, returns, topology, transactions, RPC by direct reply-to, cancel notices. */
public class RoundTrip {
  static void check(boolean condition, String what) {
    if (!condition) throw new AssertionError(what);
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  public static void main(String[] args) throws Exception {
    ConnectionFactory factory = new ConnectionFactory();
    factory.setHost(args[0].split(":")[0]);
    factory.setPort(Integer.parseInt(args[0].split(":")[1]));
    factory.setAutomaticRecoveryEnabled(false);
    try (Connection connection = factory.newConnection("java test")) {
      confirms(connection);
      topology(connection);
      rpc(connection);
      cancelNotice(connection);
      properties(connection);
      transactions(connection);
    }
    System.out.println("all well");
  }

  static void confirms(Connection connection) throws Exception {
    Channel channel = connection.createChannel();
    String queue = channel.queueDeclare("java", true, false, false, Map.of("x-message-ttl", 60000L)).getQueue();
    channel.confirmSelect();
    BlockingQueue<String> returned = new LinkedBlockingQueue<>();
    channel.addReturnListener(message -> returned.add(message.getReplyCode() + " " + message.getRoutingKey()));
    for (int i = 0; i < 2000; i++) {
      channel.basicPublish("", queue, MessageProperties.MINIMAL_PERSISTENT_BASIC, bytes("m" + i));
    }
    channel.basicPublish("", "java-nowhere", true, null, bytes("x"));
    channel.waitForConfirmsOrDie(20000);
    check("312 java-nowhere".equals(returned.poll(0, TimeUnit.SECONDS)), "returned before its confirm");
    check(channel.messageCount(queue) == 2000, "2000 messages");

    channel.basicQos(100);
    CountDownLatch done = new CountDownLatch(2000);
    List<String> bodies = Collections.synchronizedList(new ArrayList<>());
    channel.basicConsume(queue, false, (tag, message) -> {
      bodies.add(new String(message.getBody(), StandardCharsets.UTF_8));
      long deliveryTag = message.getEnvelope().getDeliveryTag();
      if (deliveryTag % 50 == 0) channel.basicAck(deliveryTag, true);
      done.countDown();
    }, tag -> {});
    check(done.await(20, TimeUnit.SECONDS), "all consumed");
    for (int i = 0; i < 2000; i++) check(bodies.get(i).equals("m" + i), "order");
    channel.queueDelete(queue);
    channel.close();
  }

  static void topology(Connection connection) throws Exception {
    Channel channel = connection.createChannel();
    channel.exchangeDeclare("java.headers", BuiltinExchangeType.HEADERS);
    channel.exchangeDeclare("java.fanout", BuiltinExchangeType.FANOUT, false, true, null);
    String queue = channel.queueDeclare().getQueue();
    channel.exchangeBind("java.fanout", "java.headers", "", Map.of("x-match", "any", "kind", "a", "n", 5));
    channel.queueBind(queue, "java.fanout", "");
    AMQP.BasicProperties byNumber = new AMQP.BasicProperties.Builder().headers(Map.of("n", 5L)).build();
    channel.basicPublish("java.headers", "k", byNumber, bytes("yes"));
    channel.basicPublish("java.headers", "k", null, bytes("no"));
    GetResponse got = channel.basicGet(queue, true);
    check(got != null && new String(got.getBody()).equals("yes") && got.getMessageCount() == 0, "by header");
    check("java.headers".equals(got.getEnvelope().getExchange()), "exchange");
    channel.exchangeUnbind("java.fanout", "java.headers", "", Map.of("x-match", "any", "kind", "a", "n", 5));
    channel.exchangeDelete("java.headers");
    channel.close();
    Channel other = connection.createChannel();
    try {
      other.exchangeDeclarePassive("java.headers");
      throw new AssertionError("a deleted exchange is there");
    } catch (IOException e) {
      ShutdownSignalException signal = (ShutdownSignalException) e.getCause();
      check(!signal.isHardError() && ((AMQP.Channel.Close) signal.getReason()).getReplyCode() == 404, "404");
    }
    check(connection.isOpen(), "only the channel was closed");
  }

  static void rpc(Connection connection) throws Exception {
    Channel server = connection.createChannel();
    server.queueDeclare("java.rpc", false, true, true, null);
    RpcServer answering = new RpcServer(server, "java.rpc") {
      @Override
      public byte[] handleCall(byte[] request, AMQP.BasicProperties reply) {
        return bytes(new String(request) + "!");
      }
    };
    Thread loop = new Thread(() -> {
      try {
        answering.mainloop();
      } catch (Exception ignored) {
        // closed at the end
      }
    });
    loop.setDaemon(true);
    loop.start();
    Channel client = connection.createChannel();
    RpcClient rpc = new RpcClient(new RpcClientParams().channel(client).exchange("").routingKey("java.rpc").timeout(10000));
    check("hello!".equals(rpc.stringCall("hello")), "an answer by direct reply-to");
    rpc.close();
    answering.terminateMainloop();
  }

  static void cancelNotice(Connection connection) throws Exception {
    Channel channel = connection.createChannel();
    channel.queueDeclare("java.gone", false, false, true, null);
    CountDownLatch cancelled = new CountDownLatch(1);
    channel.basicConsume("java.gone", true, new DefaultConsumer(channel) {
      @Override
      public void handleCancel(String tag) {
        cancelled.countDown();
      }
    });
    connection.createChannel().queueDelete("java.gone");
    check(cancelled.await(10, TimeUnit.SECONDS), "told that the queue is gone");
  }

  static void properties(Connection connection) throws Exception {
    Channel channel = connection.createChannel();
    String queue = channel.queueDeclare().getQueue();
    Map<String, Object> headers = new HashMap<>();
    headers.put("int", 1);
    headers.put("long", 2L);
    headers.put("short", (short) 3);
    headers.put("byte", (byte) 4);
    headers.put("double", 5.5d);
    headers.put("float", 6.5f);
    headers.put("bytes", new byte[] {7});
    headers.put("date", new Date(1600000000000L));
    headers.put("decimal", new java.math.BigDecimal("8.25"));
    headers.put("bool", true);
    headers.put("null", null);
    headers.put("table", Map.of("list", List.of(1, 2L)));
    AMQP.BasicProperties sent = new AMQP.BasicProperties.Builder().headers(headers)
      .timestamp(new Date(1700000000000L)).appId("a").userId("guest").clusterId("c").type("t").expiration("100000").build();
    channel.basicPublish("", queue, sent, new byte[0]);
    GetResponse got = channel.basicGet(queue, true);
    Map<String, Object> received = got.getProps().getHeaders();
    check(received.keySet().equals(headers.keySet()), "header names");
    for (String name : headers.keySet()) {
      Object value = headers.get(name);
      boolean same = value instanceof byte[] b ? Arrays.equals(b, (byte[]) received.get(name)) : Objects.equals(value, received.get(name));
      check(same, name + ": " + received.get(name));
    }
    check(got.getProps().getTimestamp().equals(sent.getTimestamp()), "timestamp");
    check("c".equals(got.getProps().getClusterId()) && got.getBody().length == 0, "cluster id, empty body");
  }

  static void transactions(Connection connection) throws Exception {
    Channel channel = connection.createChannel();
    String in = channel.queueDeclare().getQueue();
    String out = channel.queueDeclare().getQueue();
    channel.basicPublish("", in, null, bytes("work"));
    channel.txSelect();
    BlockingQueue<Integer> returned = new LinkedBlockingQueue<>();
    channel.addReturnListener(message -> returned.add(message.getReplyCode()));
    GetResponse got = channel.basicGet(in, false);
    channel.basicPublish("", out, null, bytes("result"));
    channel.basicAck(got.getEnvelope().getDeliveryTag(), false);
    channel.txRollback();
    check(channel.messageCount(out) == 0, "nothing was published");
    // The message is still ours, and still to be acknowledged.
    channel.basicPublish("", out, null, bytes("result"));
    channel.basicPublish("", "java-nowhere", true, null, bytes("x"));
    channel.basicAck(got.getEnvelope().getDeliveryTag(), false);
    check(channel.messageCount(out) == 0, "not before the commit");
    channel.txCommit();
    check(returned.poll(0, TimeUnit.SECONDS) == 312, "returned before commit-ok");
    check(channel.messageCount(out) == 1, "published");
    channel.close();
    Channel after = connection.createChannel();
    check(after.messageCount(in) == 0, "acknowledged");
    after.confirmSelect();
    try {
      after.txSelect();
      throw new AssertionError("confirms and transactions on one channel");
    } catch (IOException e) {
      ShutdownSignalException signal = (ShutdownSignalException) e.getCause();
      check(((AMQP.Channel.Close) signal.getReason()).getReplyCode() == 406, "406");
    }
  }
}
