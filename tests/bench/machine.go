package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machine is what the figures are of.
type machine struct {
	processor  string
	cores      int
	memory     string
	kernel     string
	fileSystem string // of the state folders, with its device
}

func (m machine) String() string {
	return fmt.Sprintf("%s, %d cores, %s of memory, Linux %s, state on %s, %s", m.processor, m.cores, m.memory, m.kernel, m.fileSystem, runtime.Version())
}

// inMemory are file systems on which a sync does nothing.
var inMemory = []string{"tmpfs", "ramfs", "devtmpfs", "hugetlbfs"}

// machineOf looks at the machine, and refuses a folder that is not on a disk.
func machineOf(dir string) (machine, error) {
	m := machine{cores: runtime.NumCPU(), processor: valueIn("/proc/cpuinfo", "model name"), memory: valueIn("/proc/meminfo", "MemTotal")}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return m, fmt.Errorf("ask for the kernel: %w", err)
	}
	m.kernel = unix.ByteSliceToString(u.Release[:])
	table, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return m, fmt.Errorf("ask for file systems: %w", err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return m, fmt.Errorf("find the folder for state: %w", err)
	}
	m.fileSystem, err = diskOf(string(table), real)
	return m, err
}

// diskOf says what a folder is on, by a table of mounts.
func diskOf(table, dir string) (string, error) {
	device, kind := mountOf(table, dir)
	if slices.Contains(inMemory, kind) {
		return "", fmt.Errorf("the folder for state, %s, is on %s, in memory, where a sync costs nothing: set --dir to a folder on a disk", dir, kind)
	}
	return fmt.Sprintf("%s (%s)", kind, device), nil
}

// mountOf finds in a table of mounts what a path is on: of those whose place is above it the longest, and of equals the last.
func mountOf(table, path string) (device, kind string) {
	longest := -1
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		place := strings.ReplaceAll(fields[1], `\040`, " ")
		if above := place == "/" || path == place || strings.HasPrefix(path, place+"/"); above && len(place) >= longest {
			device, kind, longest = fields[0], fields[2], len(place)
		}
	}
	return device, kind
}

// valueIn is the first value of a key in a file of lines "key: value".
func valueIn(file, key string) string {
	f, err := os.Open(file)
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// syncs is how often a second the disk takes so many bytes at the end of a file and says that they are safe, one after the
// other: what a journal without group commit could do at most.
func syncs(dir string, bytes int, during time.Duration) (float64, error) {
	f, err := os.CreateTemp(dir, "disk-")
	if err != nil {
		return 0, fmt.Errorf("measure the disk: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := make([]byte, bytes)
	began, n := time.Now(), 0
	for ; time.Since(began) < during; n++ {
		if _, err := f.Write(block); err != nil {
			return 0, fmt.Errorf("measure the disk: %w", err)
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return 0, fmt.Errorf("measure the disk: %w", err)
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}
