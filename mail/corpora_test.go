package mail_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"daylight/mail"
)

// BenchmarkRealMail reads real messages, attachments and all, one after the other.
func BenchmarkRealMail(b *testing.B) {
	root := os.Getenv("DAYLIGHT_CORPORA")
	if root == "" {
		b.Skip("DAYLIGHT_CORPORA does not name the folder with the real documents")
	}
	for _, name := range []string{"spamassassin/easy-ham-2.mbox", "spamassassin/spam-2.mbox", "usrp-users/usrp-users-2019.mbox"} {
		b.Run(filepath.Base(name), func(b *testing.B) {
			raw, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
			if err != nil {
				b.Skip(err)
			}
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			messages := 0
			for b.Loop() {
				err := mail.Mbox(bytes.NewReader(raw), int64(len(raw)), func(e mail.Envelope) error {
					messages++
					size := e.End - e.Start
					_, err := mail.Read(io.NewSectionReader(bytes.NewReader(raw), e.Start, size), size, mail.Limits{}, func(p mail.Part) error {
						_, _ = io.Copy(io.Discard, p.Body) // damage shows elsewhere
						return nil
					})
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(messages)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
