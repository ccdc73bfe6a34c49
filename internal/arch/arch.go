// Package arch reads the import policy in ARCHITECTURE.md and compares it with
// what the code really imports.
//
// The policy is a fenced block of lines:
//
//	PACKAGE: what it imports directly, of Daylight and of other modules
//	never PACKAGE…: what it must not reach, not even through others
//
// Daylight's packages are named without the module; others by their module. The
// standard library needs no line, except where a never-line names a package of it.
// A package may import only what stands on a line above its own. Every package
// needs a line, and a line must say exactly what is imported: no more, no less.
package arch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Package is what go list says of one.
type Package struct {
	ImportPath string
	Imports    []string
	Standard   bool
	Module     *struct{ Path string }
}

// Policy is the block, read.
type Policy struct {
	order  map[string]int             // Daylight package → line
	allow  map[string]map[string]bool // → what it imports
	never  map[string][]string        // → what it must not reach
	module string
}

// Read finds the block in a Markdown text. module is Daylight's own path.
func Read(markdown, module string) (*Policy, error) {
	_, block, ok := strings.Cut(markdown, "```imports\n")
	if !ok {
		return nil, fmt.Errorf("no ```imports block")
	}
	block, _, ok = strings.Cut(block, "\n```")
	if !ok {
		return nil, fmt.Errorf("the imports block has no end")
	}
	p := &Policy{order: map[string]int{}, allow: map[string]map[string]bool{}, never: map[string][]string{}, module: module}
	for n, line := range strings.Split(block, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		left, right, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("imports line %d: no colon", n+1)
		}
		if names, isNever := strings.CutPrefix(left, "never "); isNever {
			for _, name := range strings.Fields(names) {
				p.never[name] = append(p.never[name], strings.Fields(right)...)
			}
			continue
		}
		name := strings.TrimSpace(left)
		if p.allow[name] != nil {
			return nil, fmt.Errorf("imports line %d: %s has a line already", n+1, name)
		}
		p.order[name], p.allow[name] = n, map[string]bool{}
		for _, f := range strings.Fields(right) {
			p.allow[name][f] = true
		}
	}
	return p, nil
}

// Check compares the policy with packages (Daylight's and all that they depend
// on) and returns each difference as a sentence, in order.
func (p *Policy) Check(packages []Package) []string {
	byPath := map[string]Package{}
	for _, pkg := range packages {
		byPath[pkg.ImportPath] = pkg
	}
	var wrong []string
	report := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	seen := map[string]bool{}
	for _, pkg := range packages {
		name, own := p.own(pkg.ImportPath)
		if !own {
			continue
		}
		seen[name] = true
		if p.allow[name] == nil {
			report("%s: has no line", name)
			continue
		}
		has := map[string]bool{}
		for _, path := range pkg.Imports {
			if word := p.word(byPath[path], path); word != "" {
				has[word] = true
			}
		}
		for _, word := range slices.Sorted(maps.Keys(has)) {
			line, own := p.order[word]
			switch {
			case !p.allow[name][word]:
				report("%s: imports %s, which its line does not name", name, word)
			case own && line >= p.order[name]:
				report("%s: imports %s, which stands below it", name, word)
			}
		}
		for _, word := range slices.Sorted(maps.Keys(p.allow[name])) {
			if !has[word] {
				report("%s: its line names %s, which it does not import", name, word)
			}
		}
	}
	for name := range p.allow {
		if !seen[name] {
			report("%s: has a line, but there is no such package", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.never)) {
		if !seen[name] {
			report("%s: has a never-line, but there is no such package", name)
		}
		for _, word := range p.never[name] {
			if way := p.way(byPath, name, word); way != nil {
				report("%s: reaches %s by %s", name, word, strings.Join(way, " → "))
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

// own gives a Daylight package its name in the policy.
func (p *Policy) own(path string) (string, bool) {
	if path == p.module {
		return ".", true
	}
	return strings.CutPrefix(path, p.module+"/")
}

// word is how the policy names what is imported: "" for the standard library.
func (p *Policy) word(pkg Package, path string) string {
	if name, own := p.own(path); own {
		return name
	}
	if pkg.Module != nil {
		return pkg.Module.Path
	}
	if pkg.Standard || !strings.Contains(strings.Split(path, "/")[0], ".") {
		return ""
	}
	return path
}

// way is the shortest chain of imports from a package to what it must not reach:
// a Daylight package, all below it when the word ends in "/…", a module, or a
// package of the standard library. It is nil when there is none.
func (p *Policy) way(byPath map[string]Package, name, word string) []string {
	start := p.module + "/" + name
	from := map[string]string{start: ""}
	for queue := []string{start}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, next := range byPath[at].Imports {
			if _, been := from[next]; been {
				continue
			}
			from[next] = at
			if p.is(byPath[next], next, word) {
				var way []string
				for s := next; s != ""; s = from[s] {
					short, _ := p.own(s)
					way = append([]string{short}, way...)
				}
				return way
			}
			// What the standard library imports is its own affair.
			if !byPath[next].Standard {
				queue = append(queue, next)
			}
		}
	}
	return nil
}

func (p *Policy) is(pkg Package, path, word string) bool {
	if below, all := strings.CutSuffix(word, "/..."); all {
		name, own := p.own(path)
		return own && (name == below || strings.HasPrefix(name, below+"/"))
	}
	name, own := p.own(path)
	return own && name == word || !own && (path == word || pkg.Module != nil && pkg.Module.Path == word)
}
