package docs

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

var (
	// What can lead somewhere: [text](target), [label]: target, href="target", and a bare address.
	link       = regexp.MustCompile(`(?m)\]\(\s*<?([^)\s>]*)|^ {0,3}\[([^\]^][^\]]*)\]:\s*<?([^\s>]+)|(?:href|src)="([^"]*)"|([a-z][a-z0-9+.-]*://[^\s<>()\[\]"|]+)`)
	labelled   = regexp.MustCompile(`\[([^\]]+)\]\[([^\]]*)\]`)
	host       = regexp.MustCompile(`^([a-z0-9-]+\.)+[a-z]{2,}$`)
	heading    = regexp.MustCompile(`(?m)^#{1,6}[ \t]+(.+?)[ \t]*#*$`)
	linkText   = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	notInSlugs = regexp.MustCompile(`[^\p{L}\p{M}\p{N}\p{Pc} -]`)
)

// checkLinks wants what every link leads to: a file or folder of the project, a heading, or a well-formed address, which
// nobody visits.
func checkLinks(_ *testing.T, docs []page) (found []string) {
	for _, p := range docs {
		prose := codeSpan.ReplaceAllStringFunc(p.prose, blank)
		labels := map[string]bool{}
		for _, at := range link.FindAllStringSubmatchIndex(prose, -1) {
			group := func(n int) string {
				if at[2*n] < 0 {
					return ""
				}
				return p.prose[at[2*n]:at[2*n+1]]
			}
			labels[label(group(2))] = true
			target := group(1) + group(3) + group(4) + strings.TrimRight(group(5), ".,;:!?'*_")
			if wrong := leads(docs, p, target); wrong != "" {
				found = append(found, p.at(at[0])+": link to "+target+": "+wrong)
			}
		}
		for _, at := range labelled.FindAllStringSubmatchIndex(prose, -1) {
			from, to := at[4], at[5]
			if from == to {
				from, to = at[2], at[3]
			}
			if l := label(p.prose[from:to]); !labels[l] {
				found = append(found, p.at(at[0])+": link to ["+l+"]: not defined")
			}
		}
	}
	return found
}

func label(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

// leads says what is wrong with a link, if anything is.
func leads(docs []page, from page, target string) string {
	u, err := url.Parse(target)
	switch {
	case err != nil:
		return err.Error()
	case u.Scheme == "https" && !host.MatchString(u.Host):
		return "is not the address of a host"
	case u.Scheme == "https":
		return ""
	case u.Scheme != "":
		return "is not https"
	case target == "":
		return "leads nowhere"
	}
	name := from.name
	if u.Path != "" {
		name = path.Join(path.Dir(from.name), u.Path)
	}
	if u.Host != "" || path.IsAbs(u.Path) || !filepath.IsLocal(name) {
		return "leads out of the project"
	}
	if !exists(name) {
		return "no such file"
	}
	if u.Fragment == "" {
		return ""
	}
	i := slices.IndexFunc(docs, func(p page) bool { return p.name == name })
	switch {
	case i < 0:
		return name + " has no headings"
	case !slices.Contains(docs[i].slugs(), u.Fragment):
		return "no such heading"
	}
	return ""
}

// slugs returns the anchors of a page's headings, by the rules of GitHub.
func (p page) slugs() []string {
	var slugs []string
	times := map[string]int{}
	for _, found := range heading.FindAllStringSubmatch(p.prose, -1) {
		text := strings.ToLower(linkText.ReplaceAllString(found[1], "$1"))
		slug := strings.ReplaceAll(notInSlugs.ReplaceAllString(text, ""), " ", "-")
		n := times[slug]
		times[slug]++
		if n > 0 {
			slug += "-" + strconv.Itoa(n)
		}
		slugs = append(slugs, slug)
	}
	return slugs
}

func TestAnchorsAreMadeAsGitHubMakesThem(t *testing.T) {
	p := parse("page.md", "# What happens when…\n## `make x_y` & [a link](b.md) – well!\n```sh\n# no heading\n```\n### Added ###\n### Added\n")
	assert.Equal(t, []string{"what-happens-when", "make-x_y--a-link--well", "added", "added-1"}, p.slugs())
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join(root, name))
	return err == nil
}

const module = "github.com/docspace-go/userdata"

var (
	machinePath = regexp.MustCompile("(?m)(?:^|[\\s(`\"'=])(/[A-Za-z][\\w.-]*/[\\w./-]+|[A-Za-z]:\\\\[\\w\\\\.-]+)")
	projectPath = regexp.MustCompile(`^[\w.*-]+(/[\w.*-]+)*/?$`)
	nestedFile  = regexp.MustCompile(`/[\w.*-]+\.(go|md|mod|sum|ya?ml|json|golden)$`)
	topFile     = regexp.MustCompile(`^[\w.-]+\.(md|mod|sum|ya?ml)$`) // the others have namesakes below
)

// checkPaths wants what looks like a file or folder of the project to be one, and no path of anybody's machine.
func checkPaths(_ *testing.T, docs []page) (found []string) {
	for _, p := range docs {
		for _, at := range machinePath.FindAllStringSubmatchIndex(p.text, -1) {
			name := p.text[at[2]:at[3]]
			if !slices.ContainsFunc([]string{"/api/", "/dev/", "/oauth2/"}, func(fine string) bool { return strings.HasPrefix(name, fine) }) {
				found = append(found, p.at(at[2])+": "+name+" is a path of one machine")
			}
		}
		for _, c := range p.code() {
			name, ours := strings.CutPrefix(c.text, module+"/")
			first, _, nested := strings.Cut(name, "/")
			switch {
			case !projectPath.MatchString(name), first == "bin": // what make build makes
			case ours, nested && exists(first), nestedFile.MatchString(name), topFile.MatchString(name), strings.HasSuffix(name, "/"):
				here, _ := filepath.Glob(filepath.Join(root, path.Dir(p.name), name))
				there, _ := filepath.Glob(filepath.Join(root, name))
				if len(here)+len(there) == 0 {
					found = append(found, c.where+": "+name+": no such file")
				}
			}
		}
	}
	return found
}
