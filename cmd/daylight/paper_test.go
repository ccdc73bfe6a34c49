package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"daylight/fault"
)

// secretOfTests is as long as a key file, and always the same: with any secret, one
// slip in a million has the check of the right line.
var secretOfTests = []byte("# name: vault 2026\nAGE-SECRET-KEY-PQ-1" + strings.Repeat("Q7ZP", 14) + "\n")

func TestPaperIsTypedBack(t *testing.T) {
	// Who types writes o for 0, where it is no number of a line, and small letters.
	careless := func(page string) string {
		var typed strings.Builder
		for _, line := range strings.Split(strings.ToLower(page), "\n") {
			number, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			typed.WriteString(number + "\t" + strings.ReplaceAll(strings.ReplaceAll(rest, "0", "o"), " ", "") + "\r\n\r\n")
		}
		return "Key: somebody's\n12/13\nthe end\n" + typed.String()
	}
	for n := range 200 {
		secret := bytes.Repeat([]byte{byte(n), 0xff, 0}, n+1)[:n+1]
		page := strings.Join(paperLines(secret), "\n")
		for _, typed := range []string{page, careless(page)} {
			if got, err := readPaper(typed); err != nil || !bytes.Equal(got, secret) {
				t.Fatalf("%d bytes, typed\n%s: %v", n+1, typed, err)
			}
		}
	}
}

// TestASlipIsFoundByItsLine: each wrong symbol, each pair that changed places.
func TestASlipIsFoundByItsLine(t *testing.T) {
	lines := paperLines(secretOfTests)
	slips := 0
	try := func(n int, line string) {
		t.Helper()
		slips++
		typed := append(append([]string{}, lines[:n]...), line)
		_, err := readPaper(strings.Join(append(typed, lines[n+1:]...), "\n"))
		want := fmt.Sprintf("line %d/%d", n+1, len(lines)-1)
		if n == len(lines)-1 {
			want = "the end is not of these lines"
		}
		if !errors.Is(err, fault.Damaged) || !strings.Contains(fault.Words(err), want) || strings.Count(fault.Words(err), "line ") > 1 {
			t.Errorf("%q in place of %q: %v, %q", line, lines[n], err, fault.Words(err))
		}
	}
	for n, line := range lines {
		for i := 7; i < len(line); i++ {
			if line[i] == ' ' {
				continue
			}
			for _, c := range "0123456789ABCDEFGHJKMNPQRSTVWXYZU*" {
				if byte(c) != line[i] {
					try(n, line[:i]+string(c)+line[i+1:])
				}
			}
			if j := i + 1; j < len(line) && line[j] != ' ' && line[j] != line[i] {
				try(n, line[:i]+line[j:j+1]+line[i:j]+line[j+1:])
			}
			try(n, line[:i]+line[i+1:])
		}
	}
	if slips < 5000 {
		t.Errorf("%d slips tried", slips)
	}
}

func TestLinesThatAreMissingOrOfAnotherPage(t *testing.T) {
	lines := paperLines(secretOfTests)
	for n := range lines {
		typed := append(append([]string{}, lines[:n]...), lines[n+1:]...)
		want := strings.Fields(lines[n])[0]
		if _, err := readPaper(strings.Join(typed, "\n")); !strings.Contains(fault.Words(err), "missing: "+want+".") {
			t.Errorf("without %s: %q", want, fault.Words(err))
		}
	}
	other := paperLines(bytes.Repeat([]byte{'x'}, len(secretOfTests)))
	mixed := append(append([]string{}, lines[:2]...), other[2:]...)
	if _, err := readPaper(strings.Join(mixed, "\n")); !strings.Contains(fault.Words(err), "two pages are mixed") {
		t.Errorf("two pages: %q", fault.Words(err))
	}
	if _, err := readPaper("nothing of a page"); !errors.Is(err, fault.Damaged) {
		t.Errorf("nothing: %v", err)
	}
}

func FuzzReadPaper(f *testing.F) {
	f.Add(strings.Join(paperLines(secretOfTests), "\n"))
	f.Add("1/1 0000 \nend 0")
	f.Add("1/2 " + checkOf("1/2", "00", 4) + "\n-1/2 x\n9999999999999999999/2 0\nend")
	f.Fuzz(func(t *testing.T, typed string) {
		secret, err := readPaper(typed)
		if err != nil {
			if !errors.Is(err, fault.Damaged) {
				t.Fatalf("%v; want damaged", err)
			}
			return
		}
		again, err := readPaper(strings.Join(paperLines(secret), "\n"))
		if err != nil || !bytes.Equal(again, secret) {
			t.Fatalf("read %d bytes, and %d again: %v", len(secret), len(again), err)
		}
	})
}
