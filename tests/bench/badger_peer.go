// Badger itself under the load of badger_bench.py: fills, or reads what an earlier run has filled. Its settings are those of
// config/sett.yaml where it has them.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"time"

	badger "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// As value_pool.h: pieces of 100 bytes whose second half repeats the first.
func valuePool(valueBytes int) []byte {
	random := rand.New(rand.NewSource(301))
	text := []byte{}
	for len(text) < 1<<20 || len(text) < 2*valueBytes {
		begin := len(text)
		for i := 0; i < 50; i++ {
			text = append(text, byte(' '+random.Intn(95)))
		}
		text = append(text, text[begin:begin+50]...)
	}
	return text
}

func fill(db *badger.DB, keys, count int64, valueBytes int) error {
	pool, position := valuePool(valueBytes), 0
	batch := db.NewWriteBatch()
	defer batch.Cancel()
	for i := int64(0); i < count; i++ {
		if position+valueBytes > len(pool) {
			position = 0
		}
		if err := batch.Set([]byte(fmt.Sprintf("%016d", rand.Int63n(keys))), pool[position:position+valueBytes]); err != nil {
			return err
		}
		position += valueBytes
	}
	return batch.Flush()
}

func read(db *badger.DB, keys, count int64) error {
	for i := int64(0); i < count; i++ {
		err := db.View(func(transaction *badger.Txn) error {
			item, err := transaction.Get([]byte(fmt.Sprintf("%016d", rand.Int63n(keys))))
			if err == badger.ErrKeyNotFound {
				return nil
			}
			if err != nil {
				return err
			}
			return item.Value(func([]byte) error { return nil })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func run() error {
	dir := flag.String("dir", "", "where its files are")
	operation := flag.String("op", "fill", "fill or read")
	keys := flag.Int64("keys", 1000000, "keys")
	count := flag.Int64("count", 1000000, "operations")
	valueBytes := flag.Int("value-bytes", 100, "size of a value")
	flag.Parse()

	settings := badger.DefaultOptions(*dir).WithLoggingLevel(badger.ERROR).WithMemTableSize(64 << 20).WithNumMemtables(4).
		WithNumLevelZeroTables(4).WithNumLevelZeroTablesStall(12).WithBlockCacheSize(256 << 20).WithValueThreshold(4 << 10).
		WithCompression(options.Snappy).WithSyncWrites(false).WithBlockSize(4 << 10).WithNumCompactors(2)
	db, err := badger.Open(settings)
	if err != nil {
		return err
	}
	begin := time.Now()
	if *operation == "fill" {
		err = fill(db, *keys, *count, *valueBytes)
	} else {
		err = read(db, *keys, *count)
	}
	seconds := time.Since(begin).Seconds()
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil { // flushes, and merges level 0
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]float64{"operations_per_s": float64(*count) / seconds})
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
