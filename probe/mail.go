package probe

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// A dialogue is what a server of mail or files says: enough of it for a client
// to come to the command that carries the token.
type dialogue struct {
	greeting string
	// reply returns the answer to a command, and whether TLS or the end follows.
	// The line has no end of line; offer is set where STARTTLS is offered.
	reply func(line string, offer bool) (text string, next step)
}

// A step is what comes after an answer.
type step int

const (
	goOn step = iota
	startTLS
	hangUp
)

var (
	smtp = dialogue{"220 wontfix ESMTP", smtpReply}
	imap = dialogue{"* OK IMAP4rev1 wontfix", imapReply}
	pop3 = dialogue{"+OK wontfix", pop3Reply}
	ftp  = dialogue{"220 wontfix", ftpReply}
)

// greetings are the dialogues before TLS, by protocol, and dialogues those
// after.
var (
	greetings = map[string]dialogue{"smtp": smtp, "imap": imap, "pop3": pop3, "ftps": ftp}
	dialogues = map[string]dialogue{"smtp": smtp, "imap": imap, "pop3": pop3, "ftps": ftp, "smtps": smtp, "imaps": imap, "pop3s": pop3}
)

// smtpReply follows RFC 5321 and RFC 3207.
func smtpReply(line string, offer bool) (string, step) {
	switch verb(line) {
	case "EHLO":
		if offer {
			return "250-wontfix\r\n250-STARTTLS\r\n250 8BITMIME", goOn
		}
		return "250-wontfix\r\n250 8BITMIME", goOn
	case "STARTTLS":
		if offer {
			return "220 go ahead", startTLS
		}
		return "502 not implemented", goOn
	case "QUIT":
		return "221 bye", hangUp
	case "DATA":
		return "554 no mail is taken here", goOn
	}
	return "250 ok", goOn
}

// imapReply follows RFC 9051.
func imapReply(line string, offer bool) (string, step) {
	tag, command, _ := strings.Cut(line, " ")
	switch verb(command) {
	case "CAPABILITY":
		if offer {
			return "* CAPABILITY IMAP4rev1 STARTTLS\r\n" + tag + " OK done", goOn
		}
		return "* CAPABILITY IMAP4rev1\r\n" + tag + " OK done", goOn
	case "STARTTLS":
		if offer {
			return tag + " OK go ahead", startTLS
		}
		return tag + " BAD not offered", goOn
	case "LOGOUT":
		return "* BYE\r\n" + tag + " OK bye", hangUp
	}
	return tag + " OK done", goOn
}

// pop3Reply follows RFC 1939 and RFC 2595.
func pop3Reply(line string, offer bool) (string, step) {
	switch verb(line) {
	case "CAPA":
		if offer {
			return "+OK\r\nSTLS\r\nUSER\r\n.", goOn
		}
		return "+OK\r\nUSER\r\n.", goOn
	case "STLS":
		if offer {
			return "+OK go ahead", startTLS
		}
		return "-ERR not offered", goOn
	case "QUIT":
		return "+OK bye", hangUp
	case "STAT":
		return "+OK 0 0", goOn
	case "RETR":
		return "+OK\r\n.", goOn
	}
	return "+OK", goOn
}

// ftpReply follows RFC 959 and RFC 4217.
func ftpReply(line string, offer bool) (string, step) {
	switch verb(line) {
	case "AUTH":
		if offer {
			return "234 go ahead", startTLS
		}
		return "502 not implemented", goOn
	case "USER":
		return "331 password", goOn
	case "PASS":
		return "230 in", goOn
	case "QUIT":
		return "221 bye", hangUp
	}
	return "200 ok", goOn
}

func verb(line string) string {
	word, _, _ := strings.Cut(line, " ")
	return strings.ToUpper(word)
}

// beforeTLS speaks in clear until the client asks for TLS, and reports whether
// it did.
func (s *Server) beforeTLS(in *sniffer, d dialogue) bool {
	if _, err := io.WriteString(in, d.greeting+"\r\n"); err != nil {
		return false
	}
	return s.talk(in.r, in, d, true)
}

// talk answers commands until the client goes. In clear it reports whether TLS
// is to follow. A token in clear is a request if the client was not offered TLS;
// the first command, which names the client, is none.
func (s *Server) talk(r *bufio.Reader, w io.Writer, d dialogue, clear bool) bool {
	if _, ok := greetings[s.Protocol]; !clear && !ok {
		if _, err := io.WriteString(w, d.greeting+"\r\n"); err != nil {
			return false
		}
	}
	offer := clear && s.Case.act != withoutSTARTTLS
	for n := 0; n < 100; n++ {
		raw, err := r.ReadSlice('\n')
		line := strings.TrimRight(string(raw), "\r\n")
		if strings.Contains(line, s.Token) && (!clear || n > 0) {
			s.see(func(seen *Seen) { seen.Request = true })
		}
		if err != nil {
			return false
		}
		text, next := d.reply(line, offer)
		if _, err := fmt.Fprintf(w, "%s\r\n", text); err != nil || next == hangUp {
			return false
		}
		if next == startTLS {
			return true
		}
	}
	return false
}
