// Package blob is the contract for bytes under their hash: written once, in
// batches, never changed. blob/fs keeps them in a folder, blob/mem in memory,
// blob/seal encrypts on the way to another store; blob/blobtest proves each.
package blob

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
)

// Ref is the SHA-256 of a blob's bytes, as its user sees them.
type Ref [32]byte

func (r Ref) String() string { return hex.EncodeToString(r[:]) }

// ParseRef reads 64 hexadecimal digits in lower case.
func ParseRef(s string) (Ref, error) {
	var r Ref
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(r) {
		return r, fmt.Errorf("blob name %q: want 64 hexadecimal digits", s)
	}
	copy(r[:], b)
	return r, nil
}

// IsZero reports whether the ref names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
func (r *Ref) UnmarshalText(b []byte) error {
	got, err := ParseRef(string(b))
	*r = got
	return err
}

// Store holds blobs. It is safe for concurrent use.
type Store interface {
	// Open returns the bytes of a blob and their number. The reader checks the
	// bytes where it can: damage is fault.Damaged, never wrong bytes without an
	// error when the blob is read to its end from the start. A blob that is not
	// there is fault.NotFound.
	Open(ctx context.Context, ref Ref) (Reader, error)

	// Has reports whether the blob is there, committed.
	Has(ctx context.Context, ref Ref) (bool, error)

	// Begin starts a batch.
	Begin(ctx context.Context) (Batch, error)

	// Delete removes a blob, so that its bytes cannot be read back through the
	// store. Deleting what is not there is not an error.
	Delete(ctx context.Context, ref Ref) error

	// All yields the committed blobs in no order.
	All(ctx context.Context) iter.Seq2[Ref, error]

	Close() error
}

// Reader reads one blob. Seek and ReadAt work on plain bytes.
type Reader interface {
	io.ReadSeekCloser
	io.ReaderAt
	Size() int64
}

// Batch puts many and commits once. It is for one goroutine. Nothing of a batch
// can be opened before Commit; after Commit all of it survives a crash. A crash
// before Commit leaves nothing visible. Putting the same bytes twice, in one
// batch or in several at the same time, is not an error. Abort after Commit does
// nothing, so that it can be deferred.
type Batch interface {
	// Put stores the bytes of r and returns their name and number. An error of r
	// leaves the batch usable without that blob.
	Put(r io.Reader) (Ref, int64, error)
	Commit() error
	Abort() error
}
