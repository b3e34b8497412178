// Puts a document under a new key again and again, from several clients with a connection each, every put
// acknowledged before its client's next one. Prints the rate of each round.
//
//	etcd_client PORT CLIENTS SECONDS ROUNDS DOCUMENT
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/clientv3"
)

func number(at int) float64 {
	value, err := strconv.ParseFloat(os.Args[at], 64)
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	if len(os.Args) != 6 {
		log.Fatal("usage: etcd_client PORT CLIENTS SECONDS ROUNDS DOCUMENT")
	}
	clients := make([]*clientv3.Client, int(number(2)))
	for i := range clients {
		client, err := clientv3.New(clientv3.Config{
			Endpoints: []string{"127.0.0.1:" + os.Args[1]}, DialTimeout: 10 * time.Second})
		if err != nil {
			log.Fatal(err)
		}
		clients[i] = client
	}
	var next int64
	for round := 0; round < int(number(4)); round++ {
		var done int64
		var all sync.WaitGroup
		start := time.Now()
		end := start.Add(time.Duration(number(3) * float64(time.Second)))
		for _, client := range clients {
			all.Add(1)
			go func(client *clientv3.Client) {
				defer all.Done()
				for time.Now().Before(end) {
					key := "job/" + strconv.FormatInt(atomic.AddInt64(&next, 1), 10)
					if _, err := client.Put(context.Background(), key, os.Args[5]); err != nil {
						log.Fatal(err)
					}
					atomic.AddInt64(&done, 1)
				}
			}(client)
		}
		all.Wait()
		fmt.Printf("%.1f\n", float64(done)/time.Since(start).Seconds())
	}
}
