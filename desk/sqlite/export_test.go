package sqlite

const (
	IsReplying = isReplying
	IsOfACase  = isOfACase
)
