package intake

import (
	"context"
	crand "crypto/rand"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Retention says for how long something sealed lies here when nobody fetches or
// destroys it: Days, give or take up to Spread of them. How many is drawn at random
// as it arrives, so that the day of its end does not tell that of its arrival.
type Retention struct{ Days, Spread int }

// Least is how many whole days it lies here in any case.
func (r Retention) Least() int { return max(0, r.Days-r.Spread-1) }

var defaultRetention = Retention{Days: 30, Spread: 7}

// defaultBeat is so short that the last beat, and not the last arrival, is what the
// times of files tell.
const defaultBeat = time.Minute

// until draws the day on which what arrives now is destroyed.
func (in *Intake) until() string {
	days := in.keeps.Days - in.keeps.Spread + secure().IntN(2*in.keeps.Spread+1)
	return in.now().UTC().AddDate(0, 0, days).Format(time.DateOnly)
}

// secure is a source of randomness that nobody can foretell.
func secure() *rand.Rand {
	var seed [32]byte
	crand.Read(seed[:])
	return rand.New(rand.NewChaCha8(seed))
}

// tend lets the store beat at random moments, and rewrites it once a day at another.
// Both hang on nothing that happens here, nor on one another: an arrival while the
// store is rewritten, which may take long, needs its beat too. The lengths between
// beats are memoryless, so that one does not tell when the next is due.
func (in *Intake) tend(ctx context.Context, mean time.Duration, log *slog.Logger) {
	random := secure()
	in.again(ctx, log, func() time.Duration { return time.Duration(random.ExpFloat64() * float64(mean)) },
		func() error { return in.store.Beat(ctx) })
	in.again(ctx, log, func() time.Duration { return in.toRewrite(ctx) },
		func() error { return in.store.Rewrite(ctx, in.day()) })
}

// again waits and works in turn, until ctx is done. What fails is logged when it
// changes.
func (in *Intake) again(ctx context.Context, log *slog.Logger, wait func() time.Duration, work func() error) {
	next, last := time.After(wait()), ""
	in.working.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-next:
			}
			now := ""
			if err := work(); err != nil && ctx.Err() == nil {
				now = err.Error()
			}
			if now != last && now != "" {
				log.Error("upkeep", "err", now)
			}
			next, last = time.After(wait()), now
		}
	})
}

// toRewrite draws how long it is until a moment of tomorrow, or of what is left of
// today when today has had no rewrite; within the hour when yesterday had none either.
func (in *Intake) toRewrite(ctx context.Context) time.Duration {
	now := in.now().UTC()
	tomorrow := now.Truncate(24*time.Hour).AddDate(0, 0, 1)
	from, to := now, now.Add(time.Hour)
	switch last, err := in.store.Rewritten(ctx); {
	case err != nil:
	case last >= in.day():
		from, to = tomorrow, tomorrow.AddDate(0, 0, 1)
	case last == now.AddDate(0, 0, -1).Format(time.DateOnly):
		to = tomorrow
	}
	return from.Add(time.Duration(secure().Int64N(int64(to.Sub(from))))).Sub(now)
}
