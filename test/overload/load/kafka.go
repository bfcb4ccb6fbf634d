package main

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

type kafkaParty struct{ o Options }

var errNacked = errors.New("the broker refused a publish")

func itoa(n int) string { return strconv.Itoa(n) }

type throttled struct{}

func (throttled) OnBrokerThrottle(_ kgo.BrokerMetadata, interval time.Duration, _ bool) {
	told.throttleMs.Add(interval.Milliseconds())
}

func (p *kafkaParty) client(gate *Gate, more ...kgo.Opt) (*kgo.Client, error) {
	options := append([]kgo.Opt{
		kgo.SeedBrokers(p.o.Addr),
		kgo.WithHooks(throttled{}),
		kgo.Dialer(func(context.Context, string, string) (net.Conn, error) { return p.o.dial(gate) }),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.RecordDeliveryTimeout(10 * time.Minute),
		kgo.ProduceRequestTimeout(5 * time.Minute),
		kgo.RequestTimeoutOverhead(5 * time.Minute),
		kgo.MetadataMaxAge(time.Hour),
	}, more...)
	if p.o.SizeMax > 0 {
		options = append(options,
			kgo.ProducerBatchMaxBytes(int32(p.o.SizeMax)),
			kgo.BrokerMaxWriteBytes(int32(p.o.SizeMax+1<<20)),
			kgo.BrokerMaxReadBytes(int32(p.o.SizeMax+64<<20)),
			kgo.FetchMaxBytes(int32(p.o.SizeMax)),
			kgo.FetchMaxPartitionBytes(int32(p.o.SizeMax)),
		)
	}
	return kgo.NewClient(options...)
}

func (p *kafkaParty) Declare(targets []string) error {
	client, err := p.client(&Gate{})
	if err != nil {
		return err
	}
	defer client.Close()
	const most = 500
	for len(targets) > 0 {
		some := targets[:min(most, len(targets))]
		targets = targets[len(some):]
		request := kmsg.NewPtrCreateTopicsRequest()
		for _, target := range some {
			topic := kmsg.NewCreateTopicsRequestTopic()
			topic.Topic, topic.NumPartitions, topic.ReplicationFactor = target, 1, 1
			if p.o.SizeMax > 0 {
				config := kmsg.NewCreateTopicsRequestTopicConfig()
				config.Name, config.Value = "max.message.bytes", kmsg.StringPtr(itoa(p.o.SizeMax))
				topic.Configs = append(topic.Configs, config)
			}
			request.Topics = append(request.Topics, topic)
		}
		if _, err := request.RequestWith(context.Background(), client); err != nil {
			return err
		}
	}
	return nil
}

type kafkaPublisher struct{ client *kgo.Client }

func (p *kafkaParty) Publisher(gate *Gate) (Publisher, error) {
	client, err := p.client(gate, kgo.MaxBufferedRecords(1<<20), kgo.UnknownTopicRetries(100))
	return &kafkaPublisher{client}, err
}

func (p *kafkaPublisher) Publish(target string, body []byte) error {
	return p.client.ProduceSync(context.Background(), &kgo.Record{Topic: target, Value: body}).FirstErr()
}

func (p *kafkaPublisher) Close() { p.client.Close() }

type kafkaConsumer struct {
	client *kgo.Client
	over   atomic.Bool
}

// Consumer reads partition 0 by itself, without a group.
func (p *kafkaParty) Consumer(gate *Gate, target string, handle func([]byte)) (Consumer, error) {
	from := kgo.NewOffset().AtEnd()
	if p.o.Start {
		from = kgo.NewOffset().AtStart()
	}
	client, err := p.client(gate,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{target: {0: from}}),
		kgo.FetchMaxWait(5*time.Second),
	)
	if err != nil {
		return nil, err
	}
	consumer := &kafkaConsumer{client: client}
	go func() {
		for !consumer.over.Load() {
			fetches := client.PollFetches(context.Background())
			if fetches.IsClientClosed() {
				return
			}
			fetches.EachRecord(func(record *kgo.Record) { handle(record.Value) })
		}
	}()
	return consumer, nil
}

func (c *kafkaConsumer) AckAll() {}

func (c *kafkaConsumer) Close() {
	c.over.Store(true)
	c.client.Close()
}
