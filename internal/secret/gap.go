package secret

// Gap is a protection that the system would not give.
type Gap struct {
	What string // is so
	Do   string // to change it
}
