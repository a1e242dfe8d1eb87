package pin

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
)

// A dialogue is what is said in clear before TLS begins.
type dialogue struct {
	protocol string
	port     string
	say      func(*clear) error
}

var dialogues = []dialogue{
	{"smtp", "25", smtp},         // RFC 3207
	{"imap", "143", imap},        // RFC 3501 6.2.1
	{"pop3", "110", pop3},        // RFC 2595 4
	{"ldap", "389", ldap},        // RFC 4511 4.14
	{"postgres", "5432", postgr}, // PostgreSQL, Message Flow: SSL Session Encryption
}

// Protocols returns the protocols that begin in clear, for [StartTLS].
func Protocols() []string {
	var list []string
	for _, d := range dialogues {
		list = append(list, d.protocol)
	}
	return list
}

// Port returns the port of a protocol of [Protocols], and that of HTTPS for "".
func Port(protocol string) string {
	for _, d := range dialogues {
		if d.protocol == protocol {
			return d.port
		}
	}
	return "443"
}

// StartTLS asks a server in one of [Protocols] to begin with TLS, and returns
// nil when the next byte on the connection is that of the handshake. A server
// that does not offer TLS is an error, and so is one that says more than it
// was asked: what came in clear would else pass for something that was said
// under TLS (CVE-2011-0411, CVE-2021-23222). The connection should have a
// deadline, and is of no use after an error.
func StartTLS(conn net.Conn, protocol string) error {
	for _, d := range dialogues {
		if d.protocol != protocol {
			continue
		}
		c := &clear{r: bufio.NewReaderSize(io.LimitReader(conn, maxClear), maxLine), w: conn}
		err := d.say(c)
		if err == nil {
			err = c.silent()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", protocol, err)
		}
		return nil
	}
	return fmt.Errorf("protocol %q: want one of %s", protocol, strings.Join(Protocols(), ", "))
}

const (
	maxLine  = 4 << 10  // bytes of a line; SMTP has 512, RFC 5321 4.5.3.1.5
	maxClear = 64 << 10 // bytes that a server may send before TLS
)

// clear is the part of a connection before TLS.
type clear struct {
	r *bufio.Reader
	w io.Writer
}

var errEager = errors.New("the server says more than it was asked before TLS begins, as if somebody had put something in")

// silent returns an error if the server has said something that nobody has
// asked for.
func (c *clear) silent() error {
	if c.r.Buffered() > 0 {
		return errEager
	}
	return nil
}

// ask sends a request. All answers to those before have been read.
func (c *clear) ask(request string) error {
	if err := c.silent(); err != nil {
		return err
	}
	_, err := io.WriteString(c.w, request)
	return err
}

// line reads a line, without its end.
func (c *clear) line() (string, error) {
	b, err := c.r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", fmt.Errorf("a line of more than %d bytes", maxLine)
	case err != nil:
		return "", ended(err)
	}
	return strings.TrimSuffix(string(b[:len(b)-1]), "\r"), nil
}

// ended says in words that there was no more to read.
func ended(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errors.New("the server has ended the connection, or goes on for too long, before TLS begins")
	}
	return err
}

// refused is the error of a server that does not do what it was asked.
func refused(request, answer string) error {
	answer = answer[:min(len(answer), 200)]
	return fmt.Errorf("the server does not begin TLS: to %s it says %q", request, answer)
}

func smtp(c *clear) error {
	if _, err := smtpReply(c, "its greeting", "220"); err != nil {
		return err
	}
	if err := c.ask("EHLO localhost\r\n"); err != nil {
		return err
	}
	offers, err := smtpReply(c, "EHLO", "250")
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(offers[1:], func(s string) bool { return hasWords(s, "STARTTLS") }) {
		return errors.New("the server does not offer STARTTLS")
	}
	if err := c.ask("STARTTLS\r\n"); err != nil {
		return err
	}
	_, err = smtpReply(c, "STARTTLS", "220")
	return err
}

// smtpReply reads a reply of one or many lines, RFC 5321 4.2, and returns their
// texts if it has the code.
func smtpReply(c *clear, to, code string) ([]string, error) {
	var texts []string
	for {
		line, err := c.line()
		if err != nil {
			return nil, err
		}
		if len(line) < 3 || line[:3] != code || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
			return nil, refused(to, line)
		}
		more := len(line) > 3 && line[3] == '-'
		texts = append(texts, line[min(4, len(line)):])
		if !more {
			return texts, nil
		}
	}
}

func imap(c *clear) error {
	greeting, err := c.line()
	if err != nil {
		return err
	}
	// PREAUTH, too: who is logged in already can no longer begin TLS.
	if !hasWords(greeting, "*", "OK") {
		return refused("its greeting", greeting)
	}
	if err := c.ask("a STARTTLS\r\n"); err != nil {
		return err
	}
	answer, err := c.line()
	if err == nil && !hasWords(answer, "a", "OK") {
		err = refused("STARTTLS", answer)
	}
	return err
}

func pop3(c *clear) error {
	greeting, err := c.line()
	if err != nil {
		return err
	}
	if !hasWords(greeting, "+OK") {
		return refused("its greeting", greeting)
	}
	if err := c.ask("STLS\r\n"); err != nil {
		return err
	}
	answer, err := c.line()
	if err == nil && !hasWords(answer, "+OK") {
		err = refused("STLS", answer)
	}
	return err
}

// hasWords reports whether a line begins with words, each with one space
// behind it unless the line ends there. Case counts for none of them.
func hasWords(line string, words ...string) bool {
	for i, want := range words {
		word, rest, more := strings.Cut(line, " ")
		if !strings.EqualFold(word, want) || !more && i+1 < len(words) {
			return false
		}
		line = rest
	}
	return true
}

func postgr(c *clear) error {
	if err := c.ask("\x00\x00\x00\x08\x04\xd2\x16\x2f"); err != nil { // SSLRequest
		return err
	}
	answer, err := c.r.ReadByte()
	if err != nil {
		return ended(err)
	}
	switch answer {
	case 'S':
		return nil
	case 'N':
		return errors.New("the server does not begin TLS: it says that it has none")
	}
	// What follows is no error message before it is known who sends it:
	// CVE-2024-10977.
	return errors.New("the server does not begin TLS: it speaks another protocol, or none that knows of TLS")
}

// The request of LDAP, RFC 4511 4.14.1, is message 1: an ExtendedRequest with
// nothing but its name.
const (
	startTLSOID = "1.3.6.1.4.1.1466.20037"
	ldapRequest = "\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + startTLSOID
)

func ldap(c *clear) error {
	if err := c.ask(ldapRequest); err != nil {
		return err
	}
	message, err := ldapMessage(c.r)
	if err != nil {
		return err
	}
	code, text, err := ldapAnswer(message)
	switch {
	case err != nil:
		return err
	case code != 0:
		return fmt.Errorf("the server does not begin TLS: LDAP result %d %q", code, text)
	}
	return nil
}

var errLDAP = errors.New("the server answers with what is no LDAP message")

// ldapMessage reads the content of an LDAPMessage, which is a SEQUENCE.
func ldapMessage(r io.Reader) ([]byte, error) {
	head := make([]byte, 2, 6)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, ended(err)
	}
	if head[0] != 0x30 {
		return nil, errLDAP
	}
	if n := int(head[1] & 0x7f); head[1]&0x80 != 0 {
		if n > 4 {
			return nil, errLDAP
		}
		head = head[:2+n]
		if _, err := io.ReadFull(r, head[2:]); err != nil {
			return nil, ended(err)
		}
	}
	n, _, ok := berLength(head[1:])
	if !ok || n > maxLine {
		return nil, errLDAP
	}
	content := make([]byte, n)
	if _, err := io.ReadFull(r, content); err != nil {
		return nil, ended(err)
	}
	return content, nil
}

// ldapAnswer reads the result code and the diagnostic message of the
// ExtendedResponse in a message: RFC 4511 4.12.
func ldapAnswer(message []byte) (code int, text string, err error) {
	id, rest, ok := berElement(message, 0x02)
	// 0 is that of a server which ends the connection: RFC 4511 4.4.1.
	if !ok || len(id) != 1 || id[0] > 1 {
		return 0, "", errLDAP
	}
	response, rest, ok := berElement(rest, 0x78)
	if !ok || len(rest) > 0 && rest[0] != 0xa0 {
		return 0, "", errLDAP
	}
	result, response, ok1 := berElement(response, 0x0a)
	_, response, ok2 := berElement(response, 0x04)
	diagnostic, response, ok3 := berElement(response, 0x04)
	if !ok1 || !ok2 || !ok3 || len(result) != 1 || result[0] > 0x7f {
		return 0, "", errLDAP
	}
	if code = int(result[0]); code == 0 && id[0] != 1 {
		return 0, "", errLDAP
	}
	// The name may be left out; another one is the answer to something else.
	for len(response) > 0 {
		var value []byte
		tag := response[0]
		if value, response, ok = berElement(response, tag); !ok || tag == 0x8a && code == 0 && !bytes.Equal(value, []byte(startTLSOID)) {
			return 0, "", errLDAP
		}
	}
	return code, string(diagnostic), nil
}

// berElement takes an element with this tag from b: X.690, as RFC 4511 5.1
// restricts it, with lengths of definite form. They need not be the shortest.
func berElement(b []byte, tag byte) (content, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != tag {
		return nil, nil, false
	}
	n, rest, ok := berLength(b[1:])
	if !ok || n > len(rest) {
		return nil, nil, false
	}
	return rest[:n], rest[n:], true
}

// berLength takes a length from b.
func berLength(b []byte) (n int, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	if b[0] < 0x80 {
		return int(b[0]), b[1:], true
	}
	size := int(b[0] & 0x7f)
	if size == 0 || size > 4 || len(b) < 1+size {
		return 0, nil, false
	}
	var long [4]byte
	copy(long[4-size:], b[1:1+size])
	if v := binary.BigEndian.Uint32(long[:]); v <= maxLine {
		return int(v), b[1+size:], true
	}
	return 0, nil, false
}
