// Clients that live through the broker's deaths: they retry and reconnect by themselves, and say at once when something
// that was promised does not hold. Reports are lines of JSON on standard output; `stop` on standard input ends the
// publishing, and `done` is said when all that was sent has been acknowledged and seen.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// Config is what the test asks for.
type Config struct {
	Kafka string
	AMQP  string
	Rate  int
}

var output = struct {
	sync.Mutex
	*json.Encoder
}{Encoder: json.NewEncoder(os.Stdout)}

func say(event string, fields map[string]any) {
	output.Lock()
	defer output.Unlock()
	fields["event"] = event
	_ = output.Encode(fields)
}

// broken ends the program: a promise was not kept.
func broken(format string, args ...any) {
	say("broken", map[string]any{"why": fmt.Sprintf(format, args...)})
	os.Exit(1)
}

func must(err error) {
	if err != nil {
		broken("%v", err)
	}
}

func main() {
	var config Config
	flag.StringVar(&config.Kafka, "kafka", "", "HOST:PORT")
	flag.StringVar(&config.AMQP, "amqp", "", "HOST:PORT")
	flag.IntVar(&config.Rate, "rate", 300, "messages a second of each partition")
	flag.Parse()
	publishing, stop := context.WithCancel(context.Background())
	loads := []*Load{idempotent(config, publishing), churn(config, publishing), transactions(config)}
	say("ready", map[string]any{})
	go func() {
		scanner := bufio.NewScanner(os.Stdin)
		for scanner.Scan() {
			if strings.TrimSpace(scanner.Text()) == "stop" {
				stop()
			}
		}
		os.Exit(1)
	}()
	for range time.Tick(200 * time.Millisecond) {
		if publishing.Err() != nil && complete(loads) {
			report("done", loads)
		} else {
			report("progress", loads)
		}
	}
}

func report(event string, loads []*Load) {
	all := []map[string]any{}
	for _, load := range loads {
		all = append(all, load.counts())
	}
	say(event, map[string]any{"loads": all})
}

func complete(loads []*Load) bool {
	for _, load := range loads {
		if !load.complete() {
			return false
		}
	}
	return true
}
