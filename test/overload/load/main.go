// The load of the overload tests: ordinary clients of each protocol, many of them in one process, that do what a test
// asks for on standard input and report on standard output, both as lines.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
)

// Options are the same for all roles; each takes what it needs.
type Options struct {
	Protocol    string
	Addr        string
	Target      string
	Targets     int
	Connections int
	Window      int
	Size        int
	Rate        int
	Count       int
	Prefetch    int
	Ack         bool
	Read        bool
	Fan         bool
	Session     bool
	Start       bool
	Sources     int
	Ramp        int
	TTL         int
	Delay       int
	SizeMax     int
	KeepAlive   int
}

var roles = map[string]func(Options) error{
	"publish":   publish,
	"consume":   consume,
	"bystander": bystander,
	"declare":   declare,
}

func main() {
	var o Options
	role := ""
	if len(os.Args) > 1 {
		role = os.Args[1]
	}
	run, ok := roles[role]
	if !ok {
		fmt.Fprintln(os.Stderr, "usage: load publish|consume|bystander|declare FLAGS")
		os.Exit(2)
	}
	flags := flag.NewFlagSet(role, flag.ExitOnError)
	flags.StringVar(&o.Protocol, "protocol", "amqp", "mqtt, amqp or kafka")
	flags.StringVar(&o.Addr, "addr", "", "HOST:PORT of the broker")
	flags.StringVar(&o.Target, "target", "t", "queue or topic; with several, NAME.0, NAME.1, ...")
	flags.IntVar(&o.Targets, "targets", 1, "how many targets")
	flags.IntVar(&o.Connections, "connections", 1, "how many connections")
	flags.IntVar(&o.Window, "window", 100, "publishes of a connection that wait for their answer")
	flags.IntVar(&o.Size, "size", 1024, "bytes of a message")
	flags.IntVar(&o.Rate, "rate", 0, "messages a second of all connections together; 0: as fast as it goes")
	flags.IntVar(&o.Count, "count", 0, "messages in all; 0: until told to stop")
	flags.IntVar(&o.Prefetch, "prefetch", 0, "AMQP: unacknowledged messages of a consumer; 0: no limit")
	flags.BoolVar(&o.Ack, "ack", true, "acknowledge what comes")
	flags.BoolVar(&o.Read, "read", true, "read from the socket once the consumer stands")
	flags.BoolVar(&o.Fan, "fan", false, "an address that all consumers listen to, each for itself")
	flags.BoolVar(&o.Session, "session", false, "MQTT: a session that persists, QoS 1")
	flags.BoolVar(&o.Start, "start", false, "Kafka: from the start of the topic, not from its end")
	flags.IntVar(&o.Sources, "sources", 1, "loopback addresses to connect from")
	flags.IntVar(&o.Ramp, "ramp", 64, "connections that are opened at the same time")
	flags.IntVar(&o.TTL, "ttl", 0, "AMQP: time to live, ms")
	flags.IntVar(&o.Delay, "delay", 0, "AMQP: publish with x-delay, ms")
	flags.IntVar(&o.KeepAlive, "keepalive", 30, "keep alive or heartbeat, seconds")
	flags.IntVar(&o.SizeMax, "sizemax", 0, "largest message a client is set to send or take; 0: as shipped")
	_ = flags.Parse(os.Args[2:])
	if err := run(o); err != nil {
		say("failed", map[string]any{"error": err.Error()})
		os.Exit(1)
	}
}

var output = struct {
	sync.Mutex
	*json.Encoder
}{Encoder: json.NewEncoder(os.Stdout)}

// say prints one report.
func say(event string, fields map[string]any) {
	output.Lock()
	defer output.Unlock()
	if fields == nil {
		fields = map[string]any{}
	}
	fields["event"] = event
	_ = output.Encode(fields)
}

// commands gives the lines of standard input; its end is the end of the channel.
func commands() <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(os.Stdin)
		for scanner.Scan() {
			lines <- strings.TrimSpace(scanner.Text())
		}
	}()
	return lines
}

func (o Options) targets() []string {
	if o.Targets <= 1 {
		return []string{o.Target}
	}
	names := make([]string, o.Targets)
	for i := range names {
		names[i] = fmt.Sprintf("%s.%d", o.Target, i)
	}
	return names
}
