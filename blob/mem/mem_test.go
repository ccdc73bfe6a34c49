package mem_test

import (
	"testing"

	"daylight/blob"
	"daylight/blob/blobtest"
	"daylight/blob/mem"
)

func TestStore(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return mem.New() })
}

func TestNames(t *testing.T) {
	blobtest.RunNamed(t, func(t *testing.T) blob.Namer { return mem.New() })
}
