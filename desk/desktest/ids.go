package desktest

import "daylight/courier"

func envelopeID(s string) courier.EnvelopeID { return courier.EnvelopeID(s) }
func mailbox(s string) courier.MailboxID     { return courier.MailboxID(s) }
