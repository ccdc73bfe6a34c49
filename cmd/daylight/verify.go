package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
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
	return release.NotVerified(c.check(a, f, key)) // that it does not hold is the answer
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
		if strings.HasSuffix(c.File, ".zip") { // most likely a damaged download
			err = fmt.Errorf("%w: %w", fault.Unverified, err)
		}
		return fault.Say("There is no proof at "+filepath.Base(c.Proof)+", and this is no zip with a proof in it, or a damaged one. Download it from the document's page.", fmt.Errorf("verify: %w", err))
	}
	defer proof.Close()
	return release.RunVerify(a.stdout, proof, f, key)
}

// verifyBundle checks the document in the zip that an archive makes of it and its
// proof, where f is such a zip.
func verifyBundle(a *app, f *os.File, key string) (done bool, err error) {
	damaged := func(err error) error {
		return fault.Say("The zip is damaged: at least one byte of it was changed or is missing. Download it again.", fmt.Errorf("zip: %w: %w", fault.Unverified, err))
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
	doc, proof := bundleOf(z)
	proofs := slices.ContainsFunc(z.File, func(f *zip.File) bool { return strings.HasSuffix(f.Name, release.ProofExtension) })
	switch {
	case doc == nil && proofs:
		return true, fault.Say("This zip is not as an archive makes it: what you see when you unpack it may be another file than the one that was checked. Unpack it, and check the file with its proof.", fmt.Errorf("zip: %w", fault.Unverified))
	case doc == nil:
		return false, nil // a document itself
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
	file, err := doc.Open()
	if err != nil {
		return true, damaged(err)
	}
	defer file.Close()
	claim, err := proof.Open()
	if err != nil {
		return true, damaged(err)
	}
	defer claim.Close()
	if err := release.RunVerify(a.stdout, claim, file, key); err != nil {
		return true, err
	}
	_, err = fmt.Fprintf(a.stdout, "This is about %q in the zip. Nothing is proven of what else is in it, READ-ME-FIRST.txt among it.\n", doc.Name)
	return true, err
}

// bundleOf finds document and proof in a zip as an archive makes it: these two and the
// note on how to check, each once, in no folder. Of two entries with one name, or with
// names that are one when unpacked, the other might be what people look at.
func bundleOf(z *zip.Reader) (doc, proof *zip.File) {
	if len(z.File) != 3 {
		return nil, nil
	}
	byName := map[string]*zip.File{}
	for _, f := range z.File {
		if strings.ContainsAny(f.Name, `/\`) || f.Name == "" || f.Name == "." || f.Name == ".." {
			return nil, nil
		}
		byName[strings.ToLower(f.Name)] = f
	}
	if len(byName) != 3 || byName["read-me-first.txt"] == nil {
		return nil, nil
	}
	for _, f := range z.File {
		if name, is := strings.CutSuffix(f.Name, release.ProofExtension); is {
			if d := byName[strings.ToLower(name)]; d != nil && d.Name == name {
				return d, f
			}
		}
	}
	return nil, nil
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
