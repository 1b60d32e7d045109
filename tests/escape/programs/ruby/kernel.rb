
# Doors into the kernel that no program here has a use for.
CALLS = {
  "bpf" => [321, 0, 0, 0], "perf_event_open" => [298, 0, 0, -1, -1, 0], "userfaultfd" => [323, 1],
  "io_uring_setup" => [425, 1, 0], "io_uring_enter" => [426, 0, 0, 0, 0, 0, 0], "io_uring_register" => [427, 0, 0, 0, 0],
  "io_setup" => [206, 1, 0], "keyctl" => [250, 0, -3, 0], "add_key" => [248, +"user", +"x", +"x", 1, -3],
  "request_key" => [249, +"user", +"x", 0, 0], "personality" => [135, 0x0040000], "init_module" => [175, 0, 0, +""],
  "finit_module" => [313, 0, +"", 0], "delete_module" => [176, +"x", 0], "kexec_load" => [246, 0, 0, 0, 0],
  "kexec_file_load" => [320, 0, 0, 0, 0, 0], "reboot" => [169, 0, 0, 0, 0], "swapon" => [167, +"/tmp/x", 0],
  "swapoff" => [168, +"/tmp/x"], "syslog" => [103, 3, 0, 0], "acct" => [163, 0], "settimeofday" => [164, 0, 0],
  "clock_settime" => [227, 0, 0], "clock_adjtime" => [305, 0, 0], "adjtimex" => [159, 0], "sethostname" => [170, +"x", 1],
  "setdomainname" => [171, +"x", 1], "iopl" => [172, 3], "ioperm" => [173, 0, 1, 1], "quotactl" => [179, 0, 0, 0, 0],
  "fanotify_init" => [300, 0, 0], "name_to_handle_at" => [303, -100, +"/", 0, 0, 0], "open_by_handle_at" => [304, -1, 0, 0],
  "move_pages" => [279, 0, 0, 0, 0, 0, 0], "migrate_pages" => [256, 0, 0, 0, 0], "mbind" => [237, 0, 0, 0, 0, 0, 0],
  "set_mempolicy" => [238, 0, 0, 0], "modify_ldt" => [154, 0, 0, 0], "vmsplice" => [278, 1, 0, 0, 0],
  "shmget" => [29, 0, 4096, 0o1777], "semget" => [64, 0, 1, 0o1777], "msgget" => [68, 0, 0o1777],
  "mq_open" => [240, +"x", 0o102, 0o666, 0], "memfd_secret" => [447, 0], "process_madvise" => [440, -1, 0, 0, 0, 0],
  "process_mrelease" => [448, -1, 0], "uselib" => [134, +"/x"], "ustat" => [136, 0, 0], "sysfs" => [139, 3],
  "vhangup" => [153], "sched_setscheduler" => [144, 0, 1, 0], "sched_setattr" => [314, 0, 0, 0], "ioprio_set" => [251, 1, 0, 0],
  "sync" => [162], "seccomp listener" => [317, 1, 8, 0], "prctl seccomp" => [157, 22, 2, 0, 0, 0],
  "prctl timing" => [157, 26, 1, 0, 0, 0], "arch number beyond the tables" => [480],
  "clone3" => [435, 0, 0], "landlock" => [444, 0, 0, 1], "terminal input" => [16, 0, 0x5412, 0],
  "raise capabilities" => [126, address([0x20080522, 0].pack("L2")), address("\xff" * 24)]
}.freeze

ESCAPES = { "calls" => ->(_) { CALLS.transform_values { |call| sys(*call) } } }.freeze
