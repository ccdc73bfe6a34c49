//go:build !linux

package sqlite

import (
	"context"
	"math"
)

// Space implements intake.Envelopes. A full disk shows when it is written.
func (s *Store) Space(context.Context) (free, whole int64, err error) {
	return math.MaxInt64, math.MaxInt64, nil
}
