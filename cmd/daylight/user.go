package main

import (
	"fmt"
	"slices"
	"strings"

	"daylight/desk"
)

type userCmd struct {
	Add  userAddCmd  `cmd:"" help:"Add an account, or change its roles, and print a sign-in link."`
	Link userLinkCmd `cmd:"" help:"Print a new sign-in link for an account."`
	List userListCmd `cmd:"" help:"List the accounts."`
}

type userAddCmd struct {
	ID    string   `arg:"" help:"Letters a-z, digits and hyphens." placeholder:"ACCOUNT"`
	Name  string   `required:"" help:"The person's name, as colleagues know it."`
	Roles []string `required:"" help:"handler, redactor, editor, admin: one or several." placeholder:"ROLE,…"`

	Channels []string `help:"A handler sees what is sent to these alone; \"all\" lifts that. Without it, as it was." placeholder:"CHANNEL,…"`
}

func (userAddCmd) Help() string {
	return `Example: daylight user add --data /srv/desk ana --name "Ana Lima" --roles editor

The link works once, for a day. Give it to the person yourself. The desk must not be running meanwhile.`
}

func (c *userAddCmd) Run(a *app) error {
	return a.withDesk(func(d *deskRole, cfg config) error {
		u := desk.User{ID: desk.EditorID(c.ID), Name: c.Name}
		for _, r := range c.Roles {
			u.Roles = append(u.Roles, desk.Role(r))
		}
		all, err := d.Users(a.ctx, desk.Operator)
		if err != nil {
			return err
		}
		for _, before := range all {
			if before.ID == u.ID {
				u.Channels = before.Channels
			}
		}
		if len(c.Channels) > 0 {
			u.Channels = slices.DeleteFunc(c.Channels, func(id string) bool { return id == "all" })
		}
		if err := d.PutUser(a.ctx, desk.Operator, u); err != nil {
			return err
		}
		return a.printLink(d, cfg, u.ID)
	})
}

type userLinkCmd struct {
	ID string `arg:"" placeholder:"ACCOUNT"`
}

func (userLinkCmd) Help() string { return "Example: daylight user link --data /srv/desk ana" }

func (c *userLinkCmd) Run(a *app) error {
	return a.withDesk(func(d *deskRole, cfg config) error { return a.printLink(d, cfg, desk.EditorID(c.ID)) })
}

type userListCmd struct{}

func (userListCmd) Help() string { return "Example: daylight user list --data /srv/desk" }

func (userListCmd) Run(a *app) error {
	return a.withDesk(func(d *deskRole, _ config) error {
		users, err := d.Users(a.ctx, desk.Operator)
		if err != nil {
			return err
		}
		if a.json {
			return a.print(users)
		}
		for _, u := range users {
			roles := make([]string, len(u.Roles))
			for i, r := range u.Roles {
				roles[i] = string(r)
			}
			state := ""
			if u.Closed {
				state = " (closed)"
			}
			if len(u.Channels) > 0 {
				state = " (of what is sent to " + strings.Join(u.Channels, ", ") + ")" + state
			}
			fmt.Fprintf(a.stdout, "%-20s %-30s %s%s\n", u.ID, u.Name, strings.Join(roles, ", "), state)
		}
		return nil
	})
}

// withDesk opens the desk of --data for one command.
func (a *app) withDesk(f func(*deskRole, config) error) error {
	in, err := roleInstance(a.data, "desk")
	if err != nil {
		return err
	}
	unlock, err := in.lock()
	if err != nil {
		return err
	}
	defer unlock()
	cfg, err := loadConfig(in.dir)
	if err != nil {
		return err
	}
	d, err := a.openDesk(in, cfg, nil)
	if err != nil {
		return err
	}
	defer d.closers.Close()
	return f(d, cfg)
}

func (a *app) printLink(d *deskRole, cfg config, id desk.EditorID) error {
	link, err := d.Link(a.ctx, desk.Operator, id)
	if err != nil {
		return err
	}
	url := signInURL(d.in.deskURL(cfg), link)
	if a.json {
		return a.print(map[string]string{"account": string(id), "link": url})
	}
	_, err = fmt.Fprintf(a.stdout, "Sign-in link for %s, good once, for a day:\n%s\n", id, url)
	return err
}

// deskURL is where editors open the desk.
func (in instance) deskURL(c config) string {
	if c.Desk.Onion == "control" {
		if key, err := in.onionKey(keyOnion); err == nil {
			return "http://" + key.Address().Host()
		}
	}
	if strings.HasPrefix(c.Desk.Listen, "unix:") {
		return "http://ADDRESS-OF-THE-DESK"
	}
	return "http://" + c.Desk.Listen
}

// signInURL is the page that a one-time link opens.
func signInURL(desk, link string) string { return desk + "/sign-in/" + link }
