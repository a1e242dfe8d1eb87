package query

// Parse reads an expression. The language is described above the package. The
// error is a *[SyntaxError].
func Parse(s string) (*Expr, error) {
	p := &parser{lexer: lexer{src: s}}
	if err := p.clean(); err != nil {
		return nil, err
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.token.kind == tokenEnd {
		return nil, p.fail(0, "the expression is empty; try release:trusty decision:wont-fix")
	}
	root, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.token.kind != tokenEnd {
		return nil, p.fail(p.token.at, ") without (")
	}
	return &Expr{root}, nil
}

// A parser has read one token ahead.
type parser struct {
	lexer
	token token
	depth int
}

func (p *parser) advance() (err error) {
	p.token, err = p.next()
	return err
}

// or = and { "or" and }
func (p *parser) or() (node, error) {
	var all orNode
	for {
		n, err := p.and()
		if err != nil {
			return nil, err
		}
		if same, ok := n.(orNode); ok {
			all = append(all, same...)
		} else {
			all = append(all, n)
		}
		if p.token.kind != tokenOr {
			break
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

// and = not { [ "and" ] not }
func (p *parser) and() (node, error) {
	var all andNode
	for {
		n, err := p.not()
		if err != nil {
			return nil, err
		}
		if same, ok := n.(andNode); ok {
			all = append(all, same...)
		} else {
			all = append(all, n)
		}
		switch p.token.kind {
		case tokenAnd:
			if err := p.advance(); err != nil {
				return nil, err
			}
			continue
		case tokenTerm, tokenNot, tokenOpen:
			continue
		}
		break
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

// not = ( "not" | "!" | "-" ) not | "(" or ")" | term
func (p *parser) not() (node, error) {
	at := p.token.at
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail(at, "it is nested too deeply; the limit is %d", maxDepth)
	}
	defer func() { p.depth-- }()
	switch p.token.kind {
	case tokenNot:
		if err := p.advance(); err != nil {
			return nil, err
		}
		n, err := p.not()
		return notNode{n}, err
	case tokenOpen:
		if err := p.advance(); err != nil {
			return nil, err
		}
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		if p.token.kind != tokenClose {
			return nil, p.fail(at, "( without )")
		}
		return n, p.advance()
	case tokenTerm:
		t := p.token.term
		return t, p.advance()
	}
	return nil, p.fail(at, "a term is missing here, such as release:trusty")
}
