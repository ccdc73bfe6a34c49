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
		if doc, proof, ok := bundled(f); ok {
			err := release.RunVerify(a.stdout, proof, doc, key)
			if err != nil && !errors.Is(err, fault.Unverified) { // what cannot be unpacked
				err = fmt.Errorf("%w: %w", fault.Unverified, err)
			}
			return err
		}
	}
	if err != nil {
		return fault.Say("There is no proof at "+filepath.Base(c.Proof)+". Download it from the document's page.", fmt.Errorf("verify: %w", err))
	}
	defer proof.Close()
	return release.RunVerify(a.stdout, proof, f, key)
}

// bundled finds a document and its proof in the zip that an archive makes of them.
func bundled(f *os.File) (doc, proof io.Reader, ok bool) {
	st, err := f.Stat()
	if err != nil {
		return nil, nil, false
	}
	z, err := zip.NewReader(f, st.Size())
	if err != nil {
		return nil, nil, false
	}
	for _, p := range z.File {
		name, is := strings.CutSuffix(p.Name, release.ProofExtension)
		if !is {
			continue
		}
		doc, err := z.Open(name)
		if err != nil {
			continue
		}
		if proof, err := z.Open(p.Name); err == nil {
			return doc, proof, true
		}
	}
	return nil, nil, false
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
