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
// has somewhere, but for the word reversed, which asks what the field does.
//
//	field:value   is; for by, note, detail and text: has it as a part, in any case
//	field=value   is
//	field!:value  the opposites of these; also field!=value
//	field>=value  also >, <=, <: for priority, published, decided, year
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
//	evidence  where the reason was read, now or when it was decided: word,
//	          bracket, note, release, message, own-note, or none
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
//
// These ask for the origin of what the statement says, which a tracker's
// history has:
//
//	by          who decided: a part of the name, or of the nick that signs notes;
//	            a sweep, a robot and a copy that nobody judged are by nobody
//	decided     when: 2018, 2018-04 or 2018-04-25, where the author was; also
//	            decided-after:2018 for decided>2018, and decided-before:
//	reversed    yes or no: a refusal was taken back on the way; alone it is yes
//	class       one of wontfix.Classes
//	confidence  how sure it is who decided: none, low, policy, medium, high
//	reason-then one of wontfix.ReasonNames: why, as it was said at the time,
//	            which later words for it may hide
//
// Where the origin is not known, class is unknown, confidence none, decided
// empty, and the others have no value.
package query
