// Package query asks trackers' statements and texts for what they say.
//
// It has two languages and does no input or output.
//
// # Patterns
//
// A [Pattern] is a regular expression in Perl's syntax that is applied to the
// lines of a text, each on its own, as ack and grep -P do, with look-ahead and
// look-behind:
//
//	precise.*ignored(?!.*abandoned)
//
// # Expressions
//
// An [Expr] asks for statements by what they mean:
//
//	release:trusty status:ignored,deferred -detail:"end of life"
//	package:linux* and (decision:wont-fix or decision:end-of-life) year>=2014
//	reason:no-reason-given author:mdeslaur text:"certificate"
//
// The grammar, in EBNF:
//
//	or     = and { "or" and } .
//	and    = not { [ "and" ] not } .
//	not    = ( "not" | "!" | "-" ) not | "(" or ")" | term .
//	term   = field operator value { "," value } | value .
//	value  = word | '"' … '"' | "'" … "'" .
//
// Between double quotation marks \" and \\ are the characters themselves.
// Field names and the words that join may be written in any case. A term with
// several values holds for any of them; a value alone is a text that the entry
// has somewhere.
//
//	field:value   is; for note, detail and text: has it as a part, in any case
//	field=value   is
//	field!:value  the opposites of these; also field!=value
//	field>=value  also >, <=, <: for priority, published, year
//	field~pattern a line of it matches the pattern, in Perl's syntax
//	field!~pattern
//
// In a value without quotation marks, * stands for any characters and ? for
// one; fixed:* asks for any value, and fixed:"" for none. The fields:
//
//	id        CVE-2014-9365
//	release   trusty, trusty/esm, esm-infra/trusty, ubuntu/trusty/esm-infra
//	package   the source package
//	status    the tracker's word, or one of VEX's four
//	word      the tracker's word only
//	decision  one of wontfix.Decisions
//	reason    one of wontfix.ReasonNames
//	evidence  where the reason was read: word, bracket, note, release, message
//	priority  the publisher's urgency; untriaged is neither above nor below another
//	published 2015, 2015-06 or 2015-06-30
//	year      the year in the identifier
//	detail    the text that goes with the status
//	fixed     the version with the fix
//	was       the status word that a sweep has overwritten
//	file, in  the tracker's file: retired/CVE-2014-9365; its folder: retired
//	author    who wrote a note of the entry
//	note      what a note of the entry says
//	tag       the tracker's mark on the package
//	text      all that is written about it: description, notes, details, names
package query
