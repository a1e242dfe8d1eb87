package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"wontfix"
)

// nobody is the user as whom clients run that root probes.
const nobody = 65534

// isolated returns a command that runs a program in namespaces of its own: of
// users, mounts, network, processes and what they share. All that it starts
// dies with it, and it dies with this process.
func isolated(ctx context.Context, two bool, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Pdeathsig:   syscall.SIGKILL,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	if two {
		more := syscall.SysProcIDMap{ContainerID: nobody, HostID: nobody, Size: 1}
		cmd.SysProcAttr.UidMappings = append(cmd.SysProcAttr.UidMappings, more)
		cmd.SysProcAttr.GidMappings = append(cmd.SysProcAttr.GidMappings, more)
		cmd.SysProcAttr.GidMappingsEnableSetgroups = true
	}
	return cmd
}

// enter makes the namespaces that this process was started in a room. Nothing
// of it is seen outside, and the kernel takes it down with the process.
func enter(a *Authority) (*Room, error) {
	r := &Room{Room: wontfix.Room{Isolated: true}}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("mounts of our own: %w", err)
	}
	if err := loopbackUp(); err != nil {
		return nil, fmt.Errorf("loopback device: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		r.Notes = append(r.Notes, "the client sees the processes of the machine in /proc: "+err.Error())
	}
	if err := readOnly(); err != nil {
		return nil, fmt.Errorf("read-only file system: %w", err)
	}
	var err error
	for _, dir := range []string{"/mnt", "/media", "/srv", "/tmp"} {
		if err = unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755,size=512m"); err == nil {
			r.Dir = dir
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("folder in memory: %w", err)
	}
	if err := r.furnish(a); err != nil {
		return nil, err
	}
	b, err := os.ReadFile("/proc/self/uid_map")
	r.Nobody = err == nil && strings.Count(string(b), "\n") > 1
	r.bind(r.hosts(), "/etc/hosts")
	for _, dir := range folders {
		r.bind(r.certs(), dir)
	}
	r.cover(bundles)
	r.bind(r.mono(), "/usr/share/.mono")
	return r, nil
}

// bind puts a file or folder of the room over one of the machine.
func (r *Room) bind(with, path string) {
	at, err := filepath.EvalSymlinks(path)
	if err != nil || strings.HasPrefix(at, r.Dir+"/") {
		return
	}
	if err := unix.Mount(with, at, "", unix.MS_BIND, ""); err != nil {
		r.Notes = append(r.Notes, fmt.Sprintf("%s cannot be covered: %v", path, err))
	}
}

// cover puts the store of the room over stores of the machine, in the format of
// each. Outside a room it does nothing.
func (r *Room) cover(stores []string) {
	if !r.Isolated {
		return
	}
	for _, path := range stores {
		at, err := filepath.EvalSymlinks(path)
		if err != nil || sameFile(at, r.bundle(), r.keystore(), r.certs()) {
			continue
		}
		switch info, err := os.Stat(at); {
		case err != nil:
		case info.IsDir():
			r.bind(r.certs(), at)
		case strings.HasSuffix(at, "cacerts"):
			r.bind(r.keystore(), at)
		default:
			r.bind(r.bundle(), at)
		}
	}
}

// sameFile reports whether a path leads to one of the files of the room.
func sameFile(path string, files ...string) bool {
	a, err := os.Stat(path)
	return err == nil && slices.ContainsFunc(files, func(f string) bool {
		b, err := os.Stat(f)
		return err == nil && os.SameFile(a, b)
	})
}

// loopbackUp brings the loopback device up.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req)
}

// mountFlags are the options of /proc/self/mountinfo that a mount of another
// user keeps.
var mountFlags = map[string]uintptr{
	"nosuid": unix.MS_NOSUID, "nodev": unix.MS_NODEV, "noexec": unix.MS_NOEXEC,
	"noatime": unix.MS_NOATIME, "nodiratime": unix.MS_NODIRATIME, "relatime": unix.MS_RELATIME,
}

// readOnly makes every mount read-only. One that cannot be is left as it is if
// it has no files of the machine: those of the kernel.
func readOnly() error {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		dash := slices.Index(fields, "-")
		if len(fields) < 6 || dash < 0 || dash+1 >= len(fields) {
			continue
		}
		flags := uintptr(unix.MS_BIND | unix.MS_REMOUNT | unix.MS_RDONLY)
		for o := range strings.SplitSeq(fields[5], ",") {
			flags |= mountFlags[o]
		}
		at := unescape(fields[4])
		err := unix.Mount("", at, "", flags, "")
		kernel := slices.Contains([]string{"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "securityfs", "debugfs", "tracefs", "bpf"}, fields[dash+1])
		if err != nil && !kernel && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EACCES) {
			// A mount that lies below another cannot be reached, by nobody.
			if _, e := os.Stat(at); e == nil && mounted(at) {
				return fmt.Errorf("%s: %w", at, err)
			}
		}
	}
	return nil
}

// mounted reports whether a path is a place where something is mounted.
func mounted(path string) bool {
	var here, above unix.Stat_t
	return unix.Lstat(path, &here) == nil && unix.Lstat(filepath.Dir(path), &above) == nil && here.Dev != above.Dev
}

// unescape undoes the octal escapes of mountinfo.
func unescape(s string) string {
	for _, pair := range [][2]string{{`\040`, " "}, {`\011`, "\t"}, {`\012`, "\n"}, {`\134`, `\`}} {
		s = strings.ReplaceAll(s, pair[0], pair[1])
	}
	return s
}

// process sets as whom and how a client is run: in a session of its own, which
// has no terminal and can be stopped as a whole, and dying with us.
func process(cmd *exec.Cmd, asNobody bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if asNobody {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
}

// launch starts a client. In a room it gets none of our capabilities: with them
// it could make the file system writable again.
func launch(cmd *exec.Cmd, isolated bool) error {
	runtime.LockOSThread() // the bounding set is the thread's
	defer runtime.UnlockOSThread()
	if isolated {
		for c := range uintptr(unix.CAP_LAST_CAP + 1) {
			// An older kernel does not know the last ones.
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
				return fmt.Errorf("capabilities: %w", err)
			}
		}
	}
	return cmd.Start()
}

// reachable reports whether nobody can run a program.
func reachable(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&0o001 == 0 {
		return false
	}
	for dir := filepath.Dir(path); dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil || info.Mode()&0o001 == 0 {
			return false
		}
	}
	return true
}

// killGroup ends a client and all that it has started.
func killGroup(cmd *exec.Cmd) error {
	if cmd.Process == nil {
		return nil
	}
	return unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
}
