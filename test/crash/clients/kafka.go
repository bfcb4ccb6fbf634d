package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Everything retries for ever, and soon: the broker is away half of the time.
func kafkaClient(config Config, more ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(config.Kafka),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
		kgo.RequestRetries(1 << 30),
		kgo.RetryTimeout(time.Hour),
		kgo.DialTimeout(2 * time.Second),
		kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.UnknownTopicRetries(-1),
		kgo.FetchMaxWait(200 * time.Millisecond),
	}, more...)...)
	must(err)
	return client
}

func createTopic(config Config, name string, partitions int32) {
	client := kafkaClient(config)
	defer client.Close()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, 1
	request := kmsg.NewPtrCreateTopicsRequest()
	request.Topics = append(request.Topics, topic)
	_, err := request.RequestWith(context.Background(), client)
	must(err)
}

// produce sends 0, 1, 2, ... to each partition; an idempotent producer that would have to skip one fails instead.
func produce(config Config, load *Load, topic string, size, rate, window int, publishing context.Context) {
	client := kafkaClient(config,
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()),
		kgo.StopProducerOnDataLossDetected(),
		kgo.ProduceRequestTimeout(5*time.Second),
	)
	for partition := range load.sent {
		go func() {
			slots := make(chan struct{}, window)
			tick := time.NewTicker(time.Second / time.Duration(rate))
			for n := int64(0); ; n++ {
				slots <- struct{}{}
				select {
				case <-publishing.Done():
					return
				case <-tick.C:
				}
				load.Lock()
				load.sent[partition] = n + 1
				load.Unlock()
				record := &kgo.Record{Topic: topic, Partition: int32(partition), Value: body(n, size)}
				client.Produce(context.Background(), record, func(_ *kgo.Record, err error) {
					if err != nil {
						broken("%s: %d was given up: %v", load.name, n, err)
					}
					load.Lock()
					load.acked[partition] = n + 1
					load.Unlock()
					<-slots
				})
			}
		}()
	}
}

// follow reads every partition from its start, without a group: its place is its own, so nothing may come twice.
func follow(config Config, load *Load, topic string, holes bool) {
	partitions := map[int32]kgo.Offset{}
	streams := make([]*Sequence, len(load.sent))
	for partition := range load.sent {
		partitions[int32(partition)] = kgo.NewOffset().AtStart()
		name := fmt.Sprintf("%s/%d, read", topic, partition)
		streams[partition] = load.stream(&Sequence{name: name, holes: holes})
	}
	client := kafkaClient(config, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: partitions}))
	go func() {
		for {
			client.PollFetches(context.Background()).EachRecord(func(record *kgo.Record) {
				load.saw(streams[record.Partition], number(record.Value))
			})
		}
	}()
}

// commit consumes in a group. After a commit was answered, no offset below it may be delivered again.
func commit(config Config, load *Load, topic string) {
	streams := make([]*Sequence, len(load.sent))
	committed := make([]int64, len(load.sent))
	for partition := range streams {
		name := fmt.Sprintf("%s/%d, group", topic, partition)
		streams[partition] = load.stream(&Sequence{name: name, again: true})
	}
	client := kafkaClient(config,
		kgo.ConsumerGroup("kill"),
		kgo.ConsumeTopics(topic),
		// Eager: every time it joins it asks for the committed offsets again.
		kgo.Balancers(kgo.RangeBalancer()),
		kgo.DisableAutoCommit(),
		kgo.HeartbeatInterval(200*time.Millisecond),
		kgo.SessionTimeout(6*time.Second),
		kgo.BlockRebalanceOnPoll(),
	)
	go func() {
		for {
			fetches := client.PollRecords(context.Background(), 500)
			fetches.EachRecord(func(record *kgo.Record) {
				partition := record.Partition
				if record.Offset < committed[partition] {
					broken("%s/%d: offset %d came after %d was committed", topic, partition, record.Offset, committed[partition])
				}
				load.saw(streams[partition], number(record.Value))
			})
			records := fetches.Records()
			within, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			err := client.CommitRecords(within, records...)
			cancel()
			if err == nil {
				for _, record := range records {
					committed[record.Partition] = record.Offset + 1
				}
				load.Lock()
				load.confirmed += int64(len(records))
				load.Unlock()
			}
			client.AllowRebalance()
		}
	}()
}

const idempotentTopic = "kill.idempotent"

func idempotent(config Config, publishing context.Context) *Load {
	load := newLoad("Kafka, idempotent", 3)
	createTopic(config, idempotentTopic, 3)
	follow(config, load, idempotentTopic, false)
	commit(config, load, idempotentTopic)
	produce(config, load, idempotentTopic, 200, config.Rate, 200, publishing)
	return load
}

const (
	churnTopic = "kill.churn"
	churnKept  = 200
)

// churn is there for the storage: most of each segment dies soon, so that segments are merged and used again while the
// others want theirs kept.
func churn(config Config, publishing context.Context) *Load {
	load := newLoad("Kafka, records deleted", 1)
	createTopic(config, churnTopic, 1)
	follow(config, load, churnTopic, true)
	produce(config, load, churnTopic, 16*1024, 120, 100, publishing)
	client := kafkaClient(config)
	go func() {
		for range time.Tick(500 * time.Millisecond) {
			load.Lock()
			below := load.acked[0] - churnKept
			load.Unlock()
			if below > 0 {
				deleteRecords(client, churnTopic, below)
			}
		}
	}()
	return load
}

// deleteRecords is not repeated when it fails: the next one deletes as much.
func deleteRecords(client *kgo.Client, topic string, below int64) {
	partition := kmsg.NewDeleteRecordsRequestTopicPartition()
	partition.Partition, partition.Offset = 0, below
	one := kmsg.NewDeleteRecordsRequestTopic()
	one.Topic = topic
	one.Partitions = append(one.Partitions, partition)
	request := kmsg.NewPtrDeleteRecordsRequest()
	request.Topics = append(request.Topics, one)
	within, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, _ = request.RequestWith(within, client)
}
