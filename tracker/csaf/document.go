package csaf

import (
	"errors"
	"io"

	"wontfix/internal/lazyregexp"
)

// cveID is the form of an ID of the CVE list.
var cveID = lazyregexp.New(`^CVE-\d{4}-\d{4,}$`)

// A document is what of a CSAF text matters here. Products are numbered: a
// product ID stands in many lists.
type document struct {
	text      string
	id        place
	category  place
	severity  place
	published place

	numbers  map[string]int32
	products []product
	listed   []int32 // those of the tree, in its order
	groups   map[string][]int32

	vulnerabilities []vulnerability
}

// A product is a product of the tree, a component in it, or a component as
// part of a product.
type product struct {
	id, name  string
	cpe, purl string
	branch    string // name of the nearest branch of category product_name that it stands in
	version   string // of the nearest branch of category product_version

	// component and platform are set for a component as part of a product:
	// the numbers of what relationships call product_reference and
	// relates_to_product_reference.
	component, platform int32
	related             bool
}

// number returns the number of a product ID.
func (d *document) number(id string) int32 {
	n, ok := d.numbers[id]
	if !ok {
		n = int32(len(d.products))
		d.products = append(d.products, product{id: id})
		d.numbers[id] = n
	}
	return n
}

// bytesPerProduct is about how much of a text there is for each product ID.
const bytesPerProduct = 512

// read reads a document in one pass.
func read(text []byte) (*document, error) {
	r := newReader(text)
	products := len(text) / bytesPerProduct
	d := &document{text: r.text, numbers: make(map[string]int32, products), products: make([]product, 0, products), groups: make(map[string][]int32)}
	if r.dec.PeekKind() != '{' {
		if err := r.dec.SkipValue(); err != nil {
			return nil, r.explain(err)
		}
		return nil, errors.New("document: it is no JSON object")
	}
	found := false
	err := r.object(func(name string) error {
		switch name {
		case "document":
			found = true
			return d.readHead(r)
		case "product_tree":
			return d.readTree(r)
		case "vulnerabilities":
			return r.array(func(i int) error { return d.readVulnerability(r, i) })
		}
		return r.dec.SkipValue()
	})
	if err != nil {
		return nil, r.explain(err)
	}
	if _, err := r.dec.ReadToken(); err != io.EOF {
		return nil, r.explain(errors.Join(errors.New("there is something behind the document"), err))
	}
	if !found {
		return nil, errors.New("document: the member document is missing; it is no CSAF document")
	}
	return d, nil
}

func (d *document) readHead(r *reader) error {
	return r.object(func(name string) error {
		switch name {
		case "category":
			return r.take(&d.category)
		case "aggregate_severity":
			return r.object(func(name string) error {
				if name == "text" {
					return r.take(&d.severity)
				}
				return r.dec.SkipValue()
			})
		case "tracking":
			return r.object(func(name string) error {
				switch name {
				case "id":
					return r.take(&d.id)
				case "initial_release_date":
					return r.take(&d.published)
				}
				return r.dec.SkipValue()
			})
		}
		return r.dec.SkipValue()
	})
}

func (d *document) readTree(r *reader) error {
	return r.object(func(name string) error {
		switch name {
		case "branches":
			return r.array(func(int) error { return d.readBranch(r, 0) })
		case "full_product_names":
			return r.array(func(int) error { return d.readProduct(r) })
		case "relationships":
			return r.array(func(int) error { return d.readRelationship(r) })
		case "product_groups":
			return r.array(func(int) error {
				var id place
				var members []int32
				err := r.object(func(name string) (err error) {
					switch name {
					case "group_id":
						return r.take(&id)
					case "product_ids":
						members, err = d.readIDs(r, nil)
						return err
					}
					return r.dec.SkipValue()
				})
				d.groups[id.text] = members
				return err
			})
		}
		return r.dec.SkipValue()
	})
}

// readBranch reads a branch. Its name and category may stand behind what it
// holds, and are written into the products of the branch when it is read.
func (d *document) readBranch(r *reader, depth int) error {
	if depth > deepest {
		return errors.New("branches are nested too deep")
	}
	var category, title place
	first := len(d.listed)
	err := r.object(func(name string) (err error) {
		switch name {
		case "category":
			return r.take(&category)
		case "name":
			return r.take(&title)
		case "branches":
			return r.array(func(int) error { return d.readBranch(r, depth+1) })
		case "product":
			return d.readProduct(r)
		}
		return r.dec.SkipValue()
	})
	for _, n := range d.listed[first:] {
		p := &d.products[n]
		switch {
		case category.text == "product_name" && p.branch == "":
			p.branch = title.text
		case category.text == "product_version" && p.version == "":
			p.version = title.text
		}
	}
	return err
}

func (d *document) readProduct(r *reader) error {
	var id, title, cpe, purl place
	err := r.object(func(name string) error {
		switch name {
		case "product_id":
			return r.take(&id)
		case "name":
			return r.take(&title)
		case "product_identification_helper":
			return r.object(func(name string) error {
				switch name {
				case "cpe":
					return r.take(&cpe)
				case "purl":
					return r.take(&purl)
				case "purls": // of version 2.1
					return r.array(func(i int) error {
						if i > 0 {
							return r.dec.SkipValue()
						}
						return r.take(&purl)
					})
				}
				return r.dec.SkipValue()
			})
		}
		return r.dec.SkipValue()
	})
	if err != nil || id.text == "" {
		return err
	}
	number := d.number(id.text)
	p := &d.products[number]
	p.name, p.cpe, p.purl = title.text, cpe.text, purl.text
	d.listed = append(d.listed, number)
	return nil
}

func (d *document) readRelationship(r *reader) error {
	var id, component, platform place
	err := r.object(func(name string) error {
		switch name {
		case "full_product_name":
			return r.object(func(name string) error {
				if name == "product_id" {
					return r.take(&id)
				}
				return r.dec.SkipValue()
			})
		case "product_reference":
			return r.take(&component)
		case "relates_to_product_reference":
			return r.take(&platform)
		}
		return r.dec.SkipValue()
	})
	if err != nil || id.text == "" || component.text == "" || platform.text == "" {
		return err
	}
	c, p := d.number(component.text), d.number(platform.text)
	n := &d.products[d.number(id.text)]
	n.component, n.platform, n.related = c, p, true
	return nil
}

// readIDs appends the numbers of the product IDs of a list.
func (d *document) readIDs(r *reader, to []int32) ([]int32, error) {
	err := r.array(func(int) error {
		id, err := r.string()
		if err == nil && id.text != "" {
			to = append(to, d.number(id.text))
		}
		return err
	})
	return to, err
}
