// Verifies a published transparency log with none of the project's own code: golang.org/x/mod's
// sumdb/note and sumdb/tlog do the work, and this file only bridges from C2SP's tlog-tiles to them.
//
//	log_verifier -log DIRECTORY-OR-URL [-token TOKEN] -key VKEY [-witness VKEY]... [-known CHECKPOINT]...
//	             [-samples N] [-receipt FILE -entry FILE]
//
// Checks the checkpoint's signatures, that each known checkpoint is a beginning of it, the inclusion
// of sampled entries, and then every entry, every tile and the root. Exits 1 and says what is wrong.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// source reads a file of the log. A web server and a directory hold the same files.
type source struct {
	place string
	token string // a web server's bundles may ask for one
}

var errNotFound = errors.New("not found")

func (s source) read(path string) ([]byte, error) {
	if !strings.Contains(s.place, "://") {
		data, err := os.ReadFile(filepath.Join(s.place, path))
		if errors.Is(err, os.ErrNotExist) {
			return nil, errNotFound
		}
		return data, err
	}
	request, err := http.NewRequest("GET", strings.TrimSuffix(s.place, "/")+"/"+path, nil)
	if err != nil {
		return nil, err
	}
	if s.token != "" {
		request.Header.Set("Authorization", "Bearer "+s.token)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound {
		return nil, errNotFound
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// path is that of tlog-tiles, which unlike x/mod's has no height in it.
func path(t tlog.Tile) string {
	number := fmt.Sprintf("%03d", t.N%1000)
	for n := t.N / 1000; n > 0; n /= 1000 {
		number = fmt.Sprintf("x%03d/%s", n%1000, number)
	}
	level := strconv.Itoa(t.L)
	if t.L < 0 {
		level = "entries"
	}
	partial := ""
	if t.W != 1<<height {
		partial = fmt.Sprintf(".p/%d", t.W)
	}
	return "tile/" + level + "/" + number + partial
}

// readTile falls back to the full tile, which may be all that is left.
func (s source) readTile(t tlog.Tile) ([]byte, error) {
	data, err := s.read(path(t))
	if err == errNotFound && t.W != 1<<height {
		full := t
		full.W = 1 << height
		if data, err = s.read(path(full)); err == nil {
			data = data[:min(len(data), t.W*tlog.HashSize)]
		}
	}
	if err == nil && len(data) != t.W*tlog.HashSize {
		err = fmt.Errorf("%d bytes", len(data))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path(t), err)
	}
	return data, nil
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

// readBundle gives the entries, of which each has its length before it.
func (s source) readBundle(n int64, width int) ([][]byte, error) {
	t := tlog.Tile{H: height, L: -1, N: n, W: width}
	data, err := s.read(path(t))
	whole := true
	if err == errNotFound && width != 1<<height {
		whole = false
		full := t
		full.W = 1 << height
		data, err = s.read(path(full))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path(t), err)
	}
	var entries [][]byte
	for len(entries) < width {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s: ends at entry %d", path(t), len(entries))
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:end])
		data = data[end:]
	}
	if whole && len(data) > 0 {
		return nil, fmt.Errorf("%s: %d bytes follow the last entry", path(t), len(data))
	}
	return entries, nil
}

// tiles is what x/mod reads tiles through; each is read once.
type tiles struct {
	source
	seen map[tlog.Tile][]byte
}

func (t tiles) Height() int                         { return height }
func (t tiles) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, each := range wanted {
		if _, seen := t.seen[each]; !seen {
			data, err := t.readTile(each)
			if err != nil {
				return nil, err
			}
			t.seen[each] = data
		}
		found = append(found, t.seen[each])
	}
	return found, nil
}

// witness verifies cosignatures, version 1, which x/mod does not know.
type witness struct {
	name string
	key  ed25519.PublicKey
	id   uint32
}

func newWitness(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("malformed witness key")
	}
	typed, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(typed) != 1+ed25519.PublicKeySize || typed[0] != 4 {
		return nil, errors.New("malformed witness key")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), typed...))
	id := binary.BigEndian.Uint32(sum[:])
	if fmt.Sprintf("%08x", id) != parts[1] {
		return nil, errors.New("the witness key's id is not its own")
	}
	return &witness{parts[0], typed[1:], id}, nil
}

func (w *witness) Name() string    { return w.name }
func (w *witness) KeyHash() uint32 { return w.id }
func (w *witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(signature), text)
	return ed25519.Verify(w.key, []byte(signed), signature[8:])
}

// log is who must have signed.
type log struct {
	key       note.Verifier
	witnesses []note.Verifier // all of them
}

// open verifies the signatures on a checkpoint and reads it.
func (l log) open(data []byte) (tlog.Tree, error) {
	known := append([]note.Verifier{l.key}, l.witnesses...)
	signed, err := note.Open(data, note.VerifierList(known...))
	if err != nil {
		return tlog.Tree{}, err
	}
	for _, each := range known {
		found := false
		for _, signature := range signed.Sigs {
			found = found || signature.Name == each.Name() && signature.Hash == each.KeyHash()
		}
		if !found {
			return tlog.Tree{}, fmt.Errorf("no signature by %s", each.Name())
		}
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) != 4 || lines[0] != l.key.Name() {
		return tlog.Tree{}, errors.New("not a checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, errors.New("no size")
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func check(what string, err error) {
	if err == nil {
		return
	}
	fmt.Fprintf(os.Stderr, "log_verifier: %s: %v\n", what, err)
	os.Exit(1)
}

// audit recomputes all tiles and the root from the entries.
func audit(from source, head tlog.Tree) error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	for done := int64(0); done < head.N; {
		width := int64(1 << height)
		if head.N-done < width {
			width = head.N - done
		}
		entries, err := from.readBundle(done>>height, int(width))
		if err != nil {
			return err
		}
		for _, entry := range entries {
			hashes, err := tlog.StoredHashes(done, entry, reader)
			if err != nil {
				return err
			}
			stored = append(stored, hashes...)
			done++
		}
	}
	root, err := tlog.TreeHash(head.N, reader)
	if err != nil {
		return err
	}
	if head.N > 0 && root != head.Hash {
		return errors.New("the entries have another root")
	}
	for _, each := range tlog.NewTiles(height, 0, head.N) {
		// x/mod also lists the partial tiles of sizes that were never published.
		if last := head.N>>(height*each.L) - each.N<<height; last < 1<<height && int64(each.W) != last {
			continue
		}
		computed, err := tlog.ReadTileData(each, reader)
		if err != nil {
			return err
		}
		found, err := from.readTile(each)
		if err != nil {
			return err
		}
		if !bytes.Equal(computed, found) {
			return fmt.Errorf("%s: not the hashes of the entries", path(each))
		}
	}
	return nil
}

// checkReceipt verifies a tlog-proof of an entry, offline.
func checkReceipt(l log, receipt, entry []byte) error {
	head, checkpoint, found := strings.Cut(string(receipt), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a receipt")
	}
	tree, err := l.open([]byte(checkpoint))
	if err != nil {
		return err
	}
	lines = lines[1:]
	if strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

type list []string

func (l *list) String() string         { return strings.Join(*l, " ") }
func (l *list) Set(value string) error { *l = append(*l, value); return nil }

func main() {
	var known, witnesses list
	place := flag.String("log", "", "directory or URL of the log")
	vkey := flag.String("key", "", "the log's verifier key")
	token := flag.String("token", "", "what a web server's bundles ask for")
	samples := flag.Int("samples", 100, "how many entries to look for by proof")
	receipt := flag.String("receipt", "", "a receipt to verify, of -entry")
	entry := flag.String("entry", "", "the bytes of the entry")
	flag.Var(&witnesses, "witness", "verifier key of a witness that must have cosigned; may be given several times")
	flag.Var(&known, "known", "a checkpoint kept before; may be given several times")
	flag.Parse()

	key, err := note.NewVerifier(*vkey)
	check("-key", err)
	signers := log{key: key}
	for _, vkey := range witnesses {
		witness, err := newWitness(vkey)
		check("-witness", err)
		signers.witnesses = append(signers.witnesses, witness)
	}
	from := source{*place, *token}
	data, err := from.read("checkpoint")
	check("checkpoint", err)
	head, err := signers.open(data)
	check("checkpoint", err)
	hashes := tlog.TileHashReader(head, tiles{from, map[tlog.Tile][]byte{}})

	for _, file := range known {
		data, err := os.ReadFile(file)
		check(file, err)
		old, err := log{key: key}.open(data)
		check(file, err)
		if old.N == 0 {
			continue // x/mod has no proof from nothing, which needs none
		}
		proof, err := tlog.ProveTree(head.N, old.N, hashes)
		check(file, err)
		check(file, tlog.CheckTree(proof, head.N, head.Hash, old.N, old.Hash))
	}
	for count := 0; count < *samples && head.N > 0; count++ {
		index := rand.Int63n(head.N)
		width := int64(1 << height)
		if rest := head.N - index>>height<<height; rest < width {
			width = rest
		}
		entries, err := from.readBundle(index>>height, int(width))
		check("sample", err)
		proof, err := tlog.ProveRecord(head.N, index, hashes)
		check("sample", err)
		leaf := tlog.RecordHash(entries[index%(1<<height)])
		check(fmt.Sprintf("entry %d", index), tlog.CheckRecord(proof, head.N, head.Hash, index, leaf))
	}
	if *receipt != "" {
		proof, err := os.ReadFile(*receipt)
		check("-receipt", err)
		bytes, err := os.ReadFile(*entry)
		check("-entry", err)
		check(*receipt, checkReceipt(signers, proof, bytes))
	}
	check("audit", audit(from, head))
	fmt.Printf("%d entries, %d known checkpoints, %d sampled: all verified\n", head.N, len(known), *samples)
}
