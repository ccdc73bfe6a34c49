// Command daylight-verify checks a document of an archive against its proof. It
// needs no network and no other part of Daylight than the formats: package release
// and what that stands on.
//
//	daylight-verify --key newsroom.keys report.pdf report.pdf.proof
//
// It exits with 0 when the proof holds, 1 when it does not, and 2 when it could not
// be tried.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"daylight/fault"
	"daylight/release"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, problems io.Writer) int {
	flags := flag.NewFlagSet("daylight-verify", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.Usage = func() {
		fmt.Fprint(problems, "usage: daylight-verify --key FILE DOCUMENT PROOF\n"+
			"       daylight-verify --key FILE PROOF          the statement alone\n\n"+
			"FILE holds the newsroom's public keys, one on a line. Get it by another way than the document.\n")
	}
	keys := flags.String("key", "", "file with the newsroom's public keys")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case *keys == "" || flags.NArg() < 1 || flags.NArg() > 2:
		flags.Usage()
		return 2
	}
	err := release.NotVerified(verify(out, *keys, flags.Args()))
	switch {
	case err == nil:
		return 0
	case errors.Is(err, fault.Unverified):
		fmt.Fprintln(problems, "daylight-verify:", fault.Words(err))
		return 1
	}
	fmt.Fprintln(problems, "daylight-verify:", err)
	return 2
}

func verify(out io.Writer, keyFile string, args []string) error {
	keys, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	proof, err := os.Open(args[len(args)-1])
	if err != nil {
		return err
	}
	defer proof.Close()
	if len(args) == 1 {
		return release.RunVerify(out, proof, nil, string(keys))
	}
	file, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer file.Close()
	return release.RunVerify(out, proof, file, string(keys))
}
