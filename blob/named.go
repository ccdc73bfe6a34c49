package blob

import (
	"context"
	"io"
)

// Namer is a Store that also keeps bytes under names which its user chooses. It is
// there for wrappers that change the bytes on their way, such as blob/seal: they
// choose names that tell nothing of the bytes. The store cannot compare such bytes
// with their name, so who chooses names checks what comes back.
type Namer interface {
	Store
	BeginNamed(ctx context.Context) (NamedBatch, error)
}

// NamedBatch is a Batch that is also told names.
type NamedBatch interface {
	Batch

	// PutNamed stores the bytes of r. It asks for their name once, after r has been
	// read to its end, and returns their number. The same name twice means the same
	// thing twice: which of the bytes are kept is open.
	PutNamed(r io.Reader, name func() Ref) (int64, error)
}
