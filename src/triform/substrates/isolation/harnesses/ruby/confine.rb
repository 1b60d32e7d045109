# frozen_string_literal: true

module Triform
  # System calls by number: Ruby names none of these. Arguments are unfrozen strings or addresses.
  module Confine
    NUMBERS = {
      "x86_64" => { close: 3, capset: 126, prctl: 157, mount: 165, unshare: 272, dup3: 292, setns: 308, seccomp: 317 },
      "aarch64" => { close: 57, capset: 91, prctl: 167, mount: 40, unshare: 97, dup3: 24, setns: 268, seccomp: 277 }
    }.fetch(RbConfig::CONFIG["host_cpu"]).freeze
    NEWPID = 0x20000000
    NEWNS_IPC_UTS = 0x0C020000
    NOSUID_NODEV = 6
    NOSUID_NODEV_NOEXEC = 14
    CAPABILITY_VERSION = 0x20080522
    AMBIENT_CLEAR_ALL = [47, 4].freeze
    SET_DUMPABLE = 4

    def self.call(name, *arguments) = Core::SYSCALL.call(NUMBERS.fetch(name), *arguments)
    def self.unshare_pid = call(:unshare, NEWPID)
    def self.return_to(namespace) = call(:setns, namespace, NEWPID)
    def self.close(*fds) = fds.each { |fd| call(:close, fd) }
    def self.duplicate(fd, onto) = fd == onto || call(:dup3, fd, onto, 0)
    def self.hide = call(:prctl, SET_DUMPABLE, 0, 0, 0, 0)

    def self.enter(tmp_bytes, filter)
      call(:unshare, NEWNS_IPC_UTS)
      %w[/tmp /dev/shm].each { |place| mount("tmpfs", place, NOSUID_NODEV, "size=#{tmp_bytes},mode=1777") }
      mount("proc", "/proc", NOSUID_NODEV_NOEXEC, 0)
      drop
      install(filter.unpack1("m")) if filter
    end

    def self.mount(type, place, flags, options) = call(:mount, +type, +place, +type, flags, options)

    def self.drop
      call(:prctl, *AMBIENT_CLEAR_ALL, 0, 0, 0)
      header = [CAPABILITY_VERSION, 0].pack("Ll")
      nothing = [0, 0, 0, 0, 0, 0].pack("L6")
      call(:capset, address(header), address(nothing))
    end

    def self.install(program)
      filter = [program.bytesize / 8, program].pack("Sx6P")
      call(:seccomp, 1, 0, address(filter))
    end

    def self.address(bytes) = [bytes].pack("P").unpack1("J")
  end
end
