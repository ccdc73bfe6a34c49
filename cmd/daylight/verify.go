package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"daylight/fault"
	"daylight/publog"
	"daylight/release"
)

type verifyCmd struct {
	Key   string `placeholder:"FILE" help:"The newsroom's public key, from a place that you trust. Default: the one of the instance in --data."`
	File  string `arg:"" type:"path" help:"A document that was downloaded, alone or in a zip with its proof; or a release." placeholder:"FILE"`
	Proof string `arg:"" optional:"" type:"path" help:"Its proof. Default: FILE.proof." placeholder:"PROOF"`
}

func (verifyCmd) Help() string {
	return `Examples:

    daylight verify --key newsroom.pub report.pdf report.pdf.proof
    daylight verify --key newsroom.pub 0001.daylight

Nothing is asked of any network. Exit code 4 says that it does not hold.`
}

func (c *verifyCmd) Run(a *app) error {
	if err := there(c.File); err != nil {
		return err
	}
	key, err := c.keys(a)
	if err != nil {
		return err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	defer f.Close()
	err = c.check(a, f, key)
	if errors.Is(err, fault.Damaged) { // it does not hold: that is the answer
		return fmt.Errorf("%w: %w", fault.Unverified, err)
	}
	return err
}

func (c *verifyCmd) check(a *app, f *os.File, key string) error {
	if strings.HasSuffix(c.File, release.Extension) && c.Proof == "" {
		return c.release(a, f, key)
	}
	if c.Proof == "" {
		c.Proof = c.File + release.ProofExtension
	}
	proof, err := os.Open(c.Proof)
	if errors.Is(err, os.ErrNotExist) {
		if done, err := verifyBundle(a, f, key); done {
			return err
		}
	}
	if err != nil {
		return fault.Say("There is no proof at "+filepath.Base(c.Proof)+". Download it from the document's page.", fmt.Errorf("verify: %w", err))
	}
	defer proof.Close()
	return release.RunVerify(a.stdout, proof, f, key)
}

// verifyBundle checks the document in the zip that an archive makes of it and its
// proof, where f is such a zip.
func verifyBundle(a *app, f *os.File, key string) (done bool, err error) {
	damaged := func(err error) error {
		fmt.Fprintln(a.stdout, "NOT VERIFIED. The zip is damaged: at least one byte of it was changed or is missing. Download it again.")
		return fmt.Errorf("zip: %w: %w", fault.Unverified, err)
	}
	st, err := f.Stat()
	if err != nil {
		return true, err
	}
	z, err := zip.NewReader(f, st.Size())
	if err != nil && strings.HasSuffix(f.Name(), ".zip") {
		return true, damaged(err)
	}
	if err != nil {
		return false, nil
	}
	name := ""
	for _, p := range z.File {
		if n, is := strings.CutSuffix(p.Name, release.ProofExtension); is && name == "" {
			name = n
		}
	}
	if name == "" {
		return false, nil // a zip that is a document itself
	}
	// All of it once, so that what cannot be unpacked is told apart from what does not hold.
	for _, p := range z.File {
		r, err := p.Open()
		if err == nil {
			_, err = io.Copy(io.Discard, r)
			r.Close()
		}
		if err != nil {
			return true, damaged(err)
		}
	}
	doc, err := z.Open(name)
	if err != nil {
		return true, damaged(err)
	}
	defer doc.Close()
	proof, err := z.Open(name + release.ProofExtension)
	if err != nil {
		return true, damaged(err)
	}
	defer proof.Close()
	if err := release.RunVerify(a.stdout, proof, doc, key); err != nil {
		return true, err
	}
	_, err = fmt.Fprintf(a.stdout, "This is about %q in the zip. Nothing is proven of what else is in it, READ-ME-FIRST.txt among it.\n", name)
	return true, err
}

// keys is the text of the public keys to believe.
func (c *verifyCmd) keys(a *app) (string, error) {
	if c.Key != "" {
		b, err := os.ReadFile(c.Key)
		if err != nil {
			return "", fmt.Errorf("newsroom's public key: %w", err)
		}
		return string(b), nil
	}
	in, err := openInstance(a.data)
	if err == nil && in.Role == "trial" {
		in, err = roleInstance(a.data, "archive")
	}
	if err != nil {
		return "", fault.Say("Which key to believe? Give the newsroom's public key with --key FILE.", fault.Invalid)
	}
	b, err := in.public(pubNewsroom)
	return string(b), err
}

func (c *verifyCmd) release(a *app, f *os.File, key string) error {
	keys, err := publog.ParseKeys(key)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	r, err := release.Open(f, st.Size(), keys, nil)
	if err != nil {
		return err
	}
	h := r.Header
	_, err = fmt.Fprintf(a.stdout, "Release %d of %s, %s: every byte is as it was signed by %s.\nNot proven: that its content is true, and that no later release corrects or withdraws any of it.\n",
		h.Number, h.Newsroom, h.Day, strings.Join(keys.Names(), ", "))
	return err
}
