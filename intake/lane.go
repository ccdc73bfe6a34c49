package intake

import (
	"context"

	"daylight/fault"
)

// lane lets few work at a time, and few more wait.
type lane struct {
	places chan struct{} // who works or waits
	work   chan struct{}
}

func newLane(atOnce, waiting int) lane {
	return lane{make(chan struct{}, atOnce+waiting), make(chan struct{}, atOnce)}
}

// do runs f in its turn. It is fault.Busy when too many wait already.
func (l lane) do(ctx context.Context, f func()) error {
	select {
	case l.places <- struct{}{}:
		defer func() { <-l.places }()
	default:
		return fault.Busy
	}
	select {
	case l.work <- struct{}{}:
		defer func() { <-l.work }()
	case <-ctx.Done():
		return ctx.Err()
	}
	f()
	return nil
}
