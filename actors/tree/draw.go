package tree

import (
	"fmt"
	"strings"

	"github.com/xlab/treeprint"

	"holdfast/actors/kit"
)

// Draw gives the tree for a terminal, below the root "gateway". A part of a path that is no actor's becomes a node without
// a state where it groups several actors or stands at the top, and else a part of its only child's name.
func Draw(rows []kit.Row) string {
	root := &node{}
	for _, r := range sorted(rows) {
		root.add(r, segments(r))
	}
	drawing := treeprint.NewWithRoot("gateway")
	for _, child := range root.children {
		child.draw(drawing)
	}
	return drawing.String()
}

// node is one segment of a path; row is nil for one that is no actor's.
type node struct {
	name     string
	row      *kit.Row
	children []*node
}

// add puts a row below n. Rows come sorted, so the branch to go on with is always the last one.
func (n *node) add(r kit.Row, path []string) {
	if len(path) == 0 {
		n.row = &r
		return
	}
	if last := len(n.children) - 1; last < 0 || n.children[last].name != path[0] {
		n.children = append(n.children, &node{name: path[0]})
	}
	n.children[len(n.children)-1].add(r, path[1:])
}

func (n *node) draw(below treeprint.Tree) {
	branch := below.AddBranch(n.text())
	for _, child := range n.children {
		child.folded().draw(branch)
	}
}

// folded is n, or its only child under both names if n itself is no actor.
func (n *node) folded() *node {
	if n.row != nil || len(n.children) != 1 {
		return n
	}
	only := *n.children[0]
	only.name = n.name + "/" + only.name
	return only.folded()
}

func (n *node) text() string {
	if n.row == nil {
		return n.name
	}
	r, parts := n.row, []string{n.name}
	if r.Kind != "" && !strings.Contains(n.name, r.Kind) {
		parts = append(parts, "("+r.Kind+")")
	}
	if r.Phase != "" {
		parts = append(parts, r.Phase, "for", brief(r.PhaseFor)+",")
	}
	text := strings.Join(append(parts, "up", brief(r.Age)), " ")
	if r.Waiting > 0 {
		text += fmt.Sprintf(", %d waiting", r.Waiting)
	}
	if r.InHand != "" {
		text += fmt.Sprintf(", works on %s for %s", r.InHand, brief(r.HandFor))
	}
	return text
}
