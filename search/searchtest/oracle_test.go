package searchtest_test

import (
	"testing"

	"daylight/search"
	"daylight/search/searchtest"
)

func TestOracle(t *testing.T) {
	searchtest.Run(t, func(t *testing.T) search.Index { return searchtest.NewOracle() })
}
