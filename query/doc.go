// Package query asks trackers' statements and texts for what they say.
//
// It has two languages. A [Pattern] is a regular expression in Perl's syntax
// that is applied to the lines of a text, as ack and grep -P do; look-around
// included. An [Expr] asks for statements by what they mean:
//
//	release:trusty status:ignored and not detail:"end of life"
//
// The package does no input or output.
package query
