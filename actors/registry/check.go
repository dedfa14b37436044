package registry

import (
	"fmt"
	"regexp"
	"strings"
)

// pluginName is a word that methods' names can begin with.
var pluginName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Check says what is wrong with offers that are to be one generation; it is asked by Install, and may be asked before. The
// first fault is the answer, with what to do about it. That a method's name is free among those of the core is not its
// matter: the methods actor decides that.
func Check(offers []Offer) error {
	plugins, owner := map[string]bool{}, map[string]string{}
	for _, o := range offers {
		switch {
		case !pluginName.MatchString(o.Plugin):
			return fmt.Errorf("a plugin is called %q: want a lower-case word, of letters, digits and _", o.Plugin)
		case plugins[o.Plugin]:
			return fmt.Errorf("plugin %q is offered twice: a generation has one instance of it; rename one of the two", o.Plugin)
		}
		plugins[o.Plugin] = true
		for _, k := range o.Kinds {
			if other, taken := owner[k.Name]; taken {
				return fmt.Errorf("channel %q is offered by plugin %q and by plugin %q: disable one of them", k.Name, other, o.Plugin)
			}
			owner[k.Name] = o.Plugin
		}
		if err := o.checkMethods(); err != nil {
			return err
		}
	}
	return nil
}

// checkMethods keeps the methods of different plugins apart by their names alone.
func (o Offer) checkMethods() error {
	seen := map[string]bool{}
	for _, m := range o.Methods {
		switch {
		case !strings.HasPrefix(m.Name, o.Plugin+"."):
			return fmt.Errorf("plugin %q offers the method %q: want a name that begins with %q", o.Plugin, m.Name, o.Plugin+".")
		case seen[m.Name]:
			return fmt.Errorf("plugin %q offers the method %q twice: rename one of them", o.Plugin, m.Name)
		case m.Call == nil:
			return fmt.Errorf("plugin %q offers the method %q and nothing that answers it: give it a Call", o.Plugin, m.Name)
		}
		seen[m.Name] = true
	}
	return nil
}
