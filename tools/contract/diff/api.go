package main

import (
	"fmt"

	"github.com/docspace-go/userdata/tools/contract/goapi"
)

// compareAPI compares what the importable packages export with what they exported at a ref.
func compareAPI(r repository, base string) (comparison, error) {
	base, tree, err := r.resolve(base)
	if err != nil {
		return comparison{}, err
	}
	dir, err := r.export(tree)
	if err != nil {
		return comparison{}, err
	}
	before, err := goapi.Load(r.ctx, dir, r.env()...)
	if err != nil {
		return comparison{}, fmt.Errorf("%s: %w", base, err)
	}
	now, err := goapi.Load(r.ctx, ".", r.env()...)
	if err != nil {
		return comparison{}, err
	}
	breaking, harmless := goapi.Changes(before, now)
	return comparison{base, breaking, harmless}, nil
}
