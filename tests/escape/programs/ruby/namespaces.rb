
KINDS = {
  user: 0x10000000, net: 0x40000000, mount: 0x00020000, pid: 0x20000000, uts: 0x04000000, ipc: 0x08000000,
  cgroup: 0x02000000, time: 0x00000080, everything: 0x7E020000
}.freeze
LOADING = ENV.key?("ESCAPE")

# What the template's own filter lets pass, because the harness goes back by it: a template has no others to go to.
def needed(kind) = LOADING && %i[mnt uts ipc].include?(kind)

ESCAPES = {
  "unshare" => ->(_) { KINDS.transform_values { |flag| sys(272, flag) } },
  "clone" => ->(_) { KINDS.except(:time).transform_values { |flag| sys(56, flag | 17, 0, 0, 0, 0) } },
  "setns" => lambda { |_|
    kinds = { user: 0x10000000, net: 0x40000000, mnt: 0x00020000, uts: 0x04000000, ipc: 0x08000000, cgroup: 0x02000000 }
    kinds.reject { |kind,| needed(kind) }.to_h { |kind, flag| [kind, sys(308, File.open("/proc/self/ns/#{kind}").fileno, flag)] }
  },
  "any namespace" => ->(_) { { setns: sys(308, File.open("/proc/self/ns/pid").fileno, 0) } },
  "mount" => lambda { |_|
    {
      tmpfs: sys(165, +"tmpfs", +"/tmp", +"tmpfs", 0, 0), bind: sys(165, +"/app", +"/tmp", +"", 4096, 0),
      remount: sys(165, +"none", +"/", +"", 32 | 4096, 0), move: sys(165, +"/tmp", +"/app", +"", 8192, 0),
      propagate: sys(165, +"none", +"/", +"", (1 << 20) | 16_384, 0), with_devices: sys(165, +"tmpfs", +"/tmp", +"tmpfs", 2, 0),
      umount: sys(166, +"/tmp", 2), pivot_root: sys(155, +".", +"."), chroot: sys(161, +"/tmp"), fsopen: sys(430, +"proc", 0),
      fsmount: sys(432, -1, 0, 0), fspick: sys(433, -100, +"/", 0), open_tree: sys(428, -100, +"/", 1),
      move_mount: sys(429, -100, +"/tmp", -100, +"/app", 0), mount_setattr: sys(442, -100, +"/", 0, 0, 0)
    }
  },
  "devices" => lambda { |_|
    { block: sys(133, +"/tmp/sda", 0o060644, 0x800), character: sys(133, +"/tmp/mem", 0o020644, 0x101),
      at: sys(259, -100, +"/tmp/sdb", 0o060644, 0x810) }
  }
}.freeze
