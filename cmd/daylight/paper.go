package main

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"daylight/custody"
	"daylight/envelope"
	"daylight/fault"
	"daylight/internal/durable"
	"daylight/internal/onion"
	"daylight/publog"
)

// A page has a key file as people can type it: its bytes in Crockford's base 32, which
// has no letters that look alike, twenty to a line in groups of four. Each line has a
// number and a check of its own, so that a slip is found by its line, and the end has
// one of all of it.
//
//	1/8  XXXX XXXX XXXX XXXX XXXX  check
//	end  XXXX XXXX
const (
	paperLine  = 20
	paperCheck = 4
	paperEnd   = 8
)

var paperCode = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// checkOf is what stands behind a line, or at the end.
func checkOf(what, text string, symbols int) string {
	sum := sha256.Sum256([]byte("daylight/paper/0\x00" + what + "\x00" + text))
	return paperCode.EncodeToString(sum[:])[:symbols]
}

// paperLines are the lines of a page.
func paperLines(secret []byte) []string {
	text := paperCode.EncodeToString(secret)
	n := (len(text) + paperLine - 1) / paperLine
	var lines []string
	for part := range slices.Chunk([]byte(text), paperLine) {
		number := fmt.Sprintf("%d/%d", len(lines)+1, n)
		lines = append(lines, fmt.Sprintf("%5s  %-24s  %s", number, grouped(string(part)), checkOf(number, string(part), paperCheck)))
	}
	return append(lines, fmt.Sprintf("%5s  %s", "end", grouped(checkOf("end", text, paperEnd))))
}

func grouped(s string) string {
	var groups []string
	for g := range slices.Chunk([]byte(s), 4) {
		groups = append(groups, string(g))
	}
	return strings.Join(groups, " ")
}

// maxTyped is more than anybody types.
const maxTyped = 64 << 10

// readPaper reads what was typed. Lines that have no number are passed over. The error
// names the lines that are wrong, and holds nothing of them.
func readPaper(typed string) ([]byte, error) {
	lines, of, end := map[int]string{}, 0, ""
	var wrong []string
	for line := range strings.Lines(typed) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		text := symbols(strings.Join(fields[1:], ""))
		if strings.EqualFold(fields[0], "end") {
			end = text
			continue
		}
		a, b, ok := strings.Cut(fields[0], "/")
		n, err1 := strconv.Atoi(a)
		m, err2 := strconv.Atoi(b)
		if !ok || err1 != nil || err2 != nil {
			continue
		}
		number := fmt.Sprintf("%d/%d", n, m)
		cut := len(text) - paperCheck
		if n < 1 || n > m || m > 1000 || of > 0 && m != of || cut < 1 || cut > paperLine || checkOf(number, text[:cut], paperCheck) != text[cut:] {
			wrong = append(wrong, number)
			continue
		}
		lines[n], of = text[:cut], m
	}
	if len(wrong) > 0 {
		return nil, fault.Say("Compare with the page, letter by letter: line "+strings.Join(wrong, ", line ")+". Nothing was written.", fmt.Errorf("typed key: %w", fault.Damaged))
	}
	var whole strings.Builder
	for n := range of {
		if lines[n+1] == "" {
			wrong = append(wrong, fmt.Sprintf("%d/%d", n+1, of))
		}
		whole.WriteString(lines[n+1])
	}
	if end == "" {
		wrong = append(wrong, "end")
	}
	if len(wrong) > 0 {
		return nil, fault.Say("These lines are missing: "+strings.Join(wrong, ", ")+". Nothing was written.", fmt.Errorf("typed key: %w", fault.Damaged))
	}
	secret, err := paperCode.DecodeString(whole.String())
	if err != nil || checkOf("end", whole.String(), paperEnd) != end {
		return nil, fault.Say("Each line is right, but the end is not of these lines: it is mistyped, or lines of two pages are mixed. Nothing was written.", fmt.Errorf("typed key: %w", fault.Damaged))
	}
	return secret, nil
}

// symbols forgives what people write for digits, and hyphens.
func symbols(s string) string {
	return strings.NewReplacer("O", "0", "I", "1", "L", "1", "-", "").Replace(strings.ToUpper(s))
}

// page is one key to print.
type page struct{ name, use, file, secret string }

// usesOf says what a key file is for that does not say so itself.
var usesOf = map[string]string{
	keyDatabase: "opens the database of this instance",
	keyBlobs:    "opens the files that this desk keeps",
	keyOnion:    "makes the address of this instance's onion service",
	keyForDesks: "makes the address at which the desk fetches from this intake",
	keyAtIntake: "lets this desk in at intake",
}

// pagesOf are the pages of a key file.
func pagesOf(name string, text []byte) ([]page, error) {
	if keys, err := envelope.ParsePrivateKeys(text); err == nil {
		var all []page
		for _, k := range keys {
			all = append(all, page{k.Name, "opens what sources send", "a file of its own, or added at the end of keys/" + keyEnvelopes,
				fmt.Sprintf("# name: %s\n%s\n", k.Name, k.HybridIdentity.String())})
		}
		return all, nil
	}
	if s, err := custody.ParseSigner(text); err == nil {
		key, _, _ := strings.Cut(s.Key(), "+")
		return []page{{key, "signs for files as this intake receives them", "keys/" + keyReceipts, string(text)}}, nil
	}
	line := strings.TrimSpace(string(text))
	if s, err := publog.ParseSigner(line); err == nil {
		return []page{{s.Name(), "signs releases, the publication log and lists of keys", "keys/" + keyReleases, line + "\n"}}, nil
	}
	if _, err := onion.ParseClientKey(line); err == nil {
		return []page{{keyAtIntake, usesOf[keyAtIntake], "keys/" + keyAtIntake, line + "\n"}}, nil
	}
	if b, err := hex.DecodeString(line); err == nil && len(b) == 32 {
		use, file := usesOf[name], "keys/"+name
		if use == "" { // it is typed back under another name, or was renamed
			use, file = "is a secret of an instance; of what, its page says", "where its page says"
		}
		return []page{{name, use, file, line + "\n"}}, nil
	}
	return nil, fault.Say(name+" is no key file of Daylight.", fmt.Errorf("key file: %w", fault.Invalid))
}

type keysPaperCmd struct {
	Files []string `arg:"" optional:"" type:"path" help:"Key files; without any, all of the instance." placeholder:"FILE"`
}

func (keysPaperCmd) Help() string {
	return `Example: daylight keys paper --data /srv/desk | lp -o raw

Prints one page a key. Use a printer on a cable that keeps no copy, and no network. Whoever has a page has the key.`
}

func (c *keysPaperCmd) Run(a *app) error {
	files := c.Files
	if len(files) == 0 {
		in, err := openInstance(a.data)
		if err != nil {
			return err
		}
		files, _ = filepath.Glob(in.path("keys", "*.key")) // the pattern is good
	}
	var all []page
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("key file: %w", err)
		}
		pages, err := pagesOf(filepath.Base(path), text)
		if err != nil {
			return err
		}
		all = append(all, pages...)
	}
	for i, p := range all {
		if i > 0 {
			fmt.Fprintln(a.stdout, "\f") // the next sheet
		}
		fmt.Fprintf(a.stdout, "DAYLIGHT: A PRIVATE KEY ON PAPER\n\nKey:       %s\nWhat for:  %s\nPrinted:   %s\nCopy:      ____ of ____, lies at ______________________\n\nWhoever has this page has the key.\n\n%s\n\n",
			p.name, p.use, today(), strings.Join(paperLines([]byte(p.secret)), "\n"))
		fmt.Fprintf(a.stdout, "To restore it, type the numbered lines and the end into a file, on a machine without\na network. There are no letters I, L, O or U; small letters will do. Then:\n\n    daylight keys restore-paper TYPED KEYFILE\n\nIt names each line with a slip. KEYFILE belongs here: %s.\n", p.file)
	}
	return nil
}

type keysRestorePaperCmd struct {
	Typed string `arg:"" help:"What was typed; - reads it as it is typed." placeholder:"TYPED"`
	Out   string `arg:"" type:"path" help:"The key file to make." placeholder:"KEYFILE"`
}

func (keysRestorePaperCmd) Help() string {
	return `Example: daylight keys restore-paper typed.txt /media/stick/vault.key

Type the numbered lines of one page, and its end. A line with a slip is named; nothing is written before all are right.`
}

func (c *keysRestorePaperCmd) Run(a *app) error {
	if _, err := os.Lstat(c.Out); err == nil {
		return fault.Say(c.Out+" is there already. Nothing was changed.", fault.Conflict)
	}
	from := io.Reader(os.Stdin)
	if c.Typed != "-" {
		f, err := os.Open(c.Typed)
		if err != nil {
			return fmt.Errorf("typed key: %w", err)
		}
		defer f.Close()
		from = f
	}
	typed, err := io.ReadAll(io.LimitReader(from, maxTyped))
	if err != nil {
		return fmt.Errorf("typed key: %w", err)
	}
	secret, err := readPaper(string(typed))
	if err != nil {
		return err
	}
	pages, err := pagesOf(filepath.Base(c.Out), secret)
	if err != nil || len(pages) != 1 {
		return errors.Join(err, fault.Say("What was typed is no key. Nothing was written.", fault.Invalid))
	}
	if err := durable.WriteFile(c.Out, secret); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	fmt.Fprintf(a.stdout, "%s is %s, which %s. It belongs here: %s. Destroy what was typed.\n", c.Out, pages[0].name, pages[0].use, pages[0].file)
	return nil
}
