package intake

import (
	"context"
	"sync"
	"testing"
	"time"

	"daylight/internal/secret"
)

// Uncollected is for tests whose minutes pass in no time.
func Uncollected(t *testing.T) {
	collect = func() {}
	t.Cleanup(func() { collect = secret.Collect })
}

// Block works in a lane, and fills its queue, until it is told to end.
func (in *Intake) Block(returns bool) (end func()) {
	l := in.firsts
	if returns {
		l = in.returns
	}
	var all sync.WaitGroup
	stop := make(chan struct{})
	for range cap(l.places) {
		all.Go(func() { l.do(context.Background(), func() { <-stop }) })
	}
	for len(l.places) < cap(l.places) {
		time.Sleep(time.Millisecond)
	}
	return func() { close(stop); all.Wait() }
}

// Late forgets the parcel that has the id now, when it is called.
func (in *Intake) Late(id string) (forget func()) {
	p := in.parcels.byID[id]
	return func() { in.forgetParcel(id, p) }
}
