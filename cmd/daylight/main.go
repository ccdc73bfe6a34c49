// Command daylight is the whole of Daylight: the submission system, the desk and
// the archive, and the commands that people run them with.
package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"daylight/fault"
	"daylight/sandbox"
)

// version is set by the linker.
var version = "unknown"

// cli is every command and flag. The help texts are the manual.
type cli struct {
	Data string `help:"Folder of the instance." default:"daylight-data" type:"path" placeholder:"DIR"`
	JSON bool   `help:"Print JSON that scripts can read."`

	Try     tryCmd     `cmd:"" help:"Run everything on loopback, with the sample, as a demonstration."`
	Serve   serveCmd   `cmd:"" help:"Run one role."`
	Keys    keysCmd    `cmd:"" help:"Make, list, rotate and retire keys; makes the instance that they are for."`
	Onion   onionCmd   `cmd:"" help:"Onion services: addresses, and who is let in."`
	Send    sendCmd    `cmd:"" help:"Source: seal on this machine, and send through Tor or on a stick."`
	Replies repliesCmd `cmd:"" help:"Source: read and destroy answers, opened on this machine."`
	Fetch   fetchCmd   `cmd:"" help:"Desk: take in envelopes that somebody carried here."`
	User    userCmd    `cmd:"" help:"Accounts of the desk."`
	Ingest  ingestCmd  `cmd:"" help:"Read files and folders into the desk."`
	Extract extractCmd `cmd:"" help:"Print what files contain, one JSON line a document."`
	Search  searchCmd  `cmd:"" help:"Search, with the same words as on the pages."`
	Import  importCmd  `cmd:"" help:"Import a release into the archive."`
	Reindex reindexCmd `cmd:"" help:"Build the search index anew, when it is damaged."`
	Verify  verifyCmd  `cmd:"" help:"Check a document against its proof, or a release, without a network."`
	Backup  backupCmd  `cmd:"" help:"Write a sealed backup of an instance that is not running."`
	Restore restoreCmd `cmd:"" help:"Make an instance from a backup."`
	Purge   purgeCmd   `cmd:"" help:"Destroy everything sealed that intake holds."`
	Doctor  doctorCmd  `cmd:"" help:"Check an instance and this machine, and say what to do."`
	Config  configCmd  `cmd:"" help:"Print the configuration with its comments."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// app is what every command gets.
type app struct {
	ctx    context.Context
	data   string
	json   bool
	stdout io.Writer
	stderr io.Writer
	log    *slog.Logger
}

func main() {
	sandbox.Child(handlers)
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process: it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	exit := -1
	parser, err := kong.New(&c, kong.Name("daylight"), kong.Writers(stdout, stderr), kong.UsageOnError(), kong.Help(help),
		kong.Description("Submission system, editorial desk and public archive."),
		kong.Exit(func(code int) { exit = code }))
	if err != nil {
		fmt.Fprintln(stderr, "daylight:", err)
		return 1
	}
	k, err := parser.Parse(args)
	if exit >= 0 { // -h was printed
		return exit
	}
	if err != nil {
		fmt.Fprintf(stderr, "daylight: %v\nRun `%s -h` for how to write it.\n", err, asked(err))
		return exitUsage
	}
	a := &app{ctx: ctx, data: c.Data, json: c.JSON, stdout: stdout, stderr: stderr,
		log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{ReplaceAttr: withoutTime}))}
	if err := k.Run(a); err != nil {
		fmt.Fprintln(stderr, "daylight:", words(err))
		return exitCode(err)
	}
	return 0
}

// help leaves out what means nothing to a source: it has no instance, and runs no scripts.
func help(o kong.HelpOptions, k *kong.Context) error {
	if n := k.Selected(); n != nil && (n.Name == "send" || n.Name == "replies") {
		for _, f := range k.Model.Flags {
			f.Hidden = f.Name != "help"
		}
	}
	return kong.DefaultHelpPrinter(o, k)
}

// asked is the command that could not be read, as far as it was.
func asked(err error) string {
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok && wrong.Context.Selected() != nil {
		return wrong.Context.Selected().FullPath()
	}
	return "daylight"
}

// words are what a person reads of an error: its own, or the chain and what to do.
func words(err error) string {
	if own := fault.Words(err); own != "" {
		return own
	}
	switch exitCode(err) {
	case exitDamaged:
		return err.Error() + "\nKeep this folder as it is. `daylight doctor` says what else is damaged; `daylight restore` brings a backup back."
	case exitFull:
		return err.Error() + "\nNo space is left on the disk. What was kept before is kept: make room, and run this again."
	}
	return err.Error()
}

// withoutTime keeps the time out of the program's own log: at intake an exact
// time tells when somebody wrote.
func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// Exit codes, for scripts.
const (
	exitFailed     = 1
	exitUsage      = 2
	exitNotFound   = 3
	exitUnverified = 4
	exitDamaged    = 5
	exitFull       = 6
	exitConflict   = 7
)

func exitCode(err error) int {
	for _, c := range []struct {
		kind error
		code int
	}{
		{fault.Unverified, exitUnverified}, {fault.Damaged, exitDamaged}, {fault.NotFound, exitNotFound},
		{os.ErrNotExist, exitNotFound}, {fault.Full, exitFull}, {syscall.ENOSPC, exitFull}, {syscall.EDQUOT, exitFull},
		{fault.Conflict, exitConflict}, {fault.Invalid, exitUsage},
	} {
		if errors.Is(err, c.kind) {
			return c.code
		}
	}
	return exitFailed
}

// print writes v as one line of JSON.
func (a *app) print(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

type versionCmd struct{}

func (versionCmd) Run(a *app) error {
	if a.json {
		return a.print(map[string]string{"version": version})
	}
	_, err := fmt.Fprintln(a.stdout, version)
	return err
}

type configCmd struct {
	Systemd string `enum:",intake,desk,archive" default:"" placeholder:"ROLE" help:"Print the systemd unit of a role instead."`
}

func (configCmd) Help() string {
	return `Examples: daylight config >daylight-data/daylight.toml, then change what you need;
daylight config --systemd intake >/etc/systemd/system/daylight-intake.service`
}

//go:embed systemd/*.service
var units embed.FS

func (c configCmd) Run(a *app) error {
	text := defaultConfig
	if c.Systemd != "" {
		b, err := units.ReadFile("systemd/daylight-" + c.Systemd + ".service")
		if err != nil {
			return err
		}
		text = string(b)
	}
	_, err := io.WriteString(a.stdout, text)
	return err
}
