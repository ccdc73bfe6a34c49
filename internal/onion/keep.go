package onion

import (
	"context"
	"fmt"
	"reflect"
	"time"
)

// Wanted is what tor is to do for us as long as we run.
type Wanted struct {
	Services []Service
	Clients  []Client
}

// Keeper has tor do what is wanted, and does it again when tor was away.
type Keeper struct {
	Control string                 // tor's control port, as Dial takes it
	Want    func() (Wanted, error) // asked again now and then: keys of clients come and go
	State   func(error)            // told of each change: nil when all stands, an error when it does not
	Every   time.Duration          // between two looks, and at most between two tries; 0 is half a minute
}

// Run works until ctx is done. It never gives up: a tor that is not there is tried
// again and again, so that it does not matter which of the two starts first.
func (k Keeper) Run(ctx context.Context) {
	if k.Every == 0 {
		k.Every = 30 * time.Second
	}
	last, told := "", false
	say := func(err error) {
		now := ""
		if err != nil {
			now = err.Error()
		}
		if ctx.Err() == nil && (!told || now != last) {
			last, told = now, true
			k.State(err)
		}
	}
	for wait := min(time.Second, k.Every); ctx.Err() == nil; wait = min(2*wait, k.Every) {
		stood, err := k.once(ctx, say)
		say(err)
		if stood {
			wait = min(time.Second, k.Every)
		}
		pause(ctx, wait)
	}
}

// once works on one connection until it breaks. stood reports that all was there.
func (k Keeper) once(ctx context.Context, say func(error)) (stood bool, err error) {
	c, err := Dial(ctx, k.Control)
	if err != nil {
		return false, err
	}
	defer c.Close()
	there := standing{map[Address]Service{}, map[Address]ClientKey{}}
	for {
		want, err := k.Want()
		if err != nil { // what stands, stands
			say(err)
		} else if err := there.settle(ctx, c, want); err != nil {
			return stood, err
		} else {
			stood = true
			say(nil)
		}
		select {
		case <-ctx.Done():
			return stood, nil
		case <-c.Broken():
			return stood, fmt.Errorf("tor's control port: %w", c.err)
		case <-time.After(k.Every):
		}
	}
}

// standing is what tor has from one connection.
type standing struct {
	services map[Address]Service
	keys     map[Address]ClientKey
}

// settle makes what is wanted and not there, and ends what is there and not wanted.
// A service whose clients changed is made anew: tor cannot change it.
func (there standing) settle(ctx context.Context, c *Control, want Wanted) error {
	for _, k := range want.Clients {
		if there.keys[k.Address] == k.Key {
			continue
		}
		if err := c.Authorize(ctx, k); err != nil {
			return err
		}
		there.keys[k.Address] = k.Key
	}
	wanted := map[Address]Service{}
	for _, s := range want.Services {
		wanted[s.Key.Address()] = s
	}
	for a, s := range there.services {
		if reflect.DeepEqual(s, wanted[a]) {
			continue
		}
		if err := c.Remove(ctx, a); err != nil {
			return err
		}
		delete(there.services, a)
	}
	for a, s := range wanted {
		if _, ok := there.services[a]; ok {
			continue
		}
		if err := c.Add(ctx, s); err != nil {
			return err
		}
		there.services[a] = s
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
