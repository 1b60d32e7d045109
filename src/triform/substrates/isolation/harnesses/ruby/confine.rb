# frozen_string_literal: true

module Triform
  # System calls by number, Ruby names none of these. Arguments: integers, unfrozen strings, addresses.
  module Confine
    NUMBERS = {
      "x86_64" => { close: 3, capset: 126, prctl: 157, mount: 165, unshare: 272, dup3: 292, setns: 308, seccomp: 317 },
      "aarch64" => { close: 57, capset: 91, prctl: 167, mount: 40, unshare: 97, dup3: 24, setns: 268, seccomp: 277 }
    }.fetch(RbConfig::CONFIG["host_cpu"]).freeze
    NEWPID = 0x20000000
    NEWNS_NEWIPC_NEWUTS = 0x0C020000
    NOSUID_NODEV = 6
    NOEXEC = 8

    def self.call(name, *arguments) = Core.syscall(NUMBERS.fetch(name), *arguments)
    def self.unshare_pid = call(:unshare, NEWPID)
    def self.return_to(namespace) = call(:setns, namespace, NEWPID)
    def self.close(*fds) = fds.each { |fd| call(:close, fd) }
    def self.duplicate(fd, onto) = call(:dup3, fd, onto, 0)
    def self.hide = call(:prctl, 4, 0, 0, 0, 0) # PR_SET_DUMPABLE

    def self.enter(tmp_bytes, filter)
      call(:unshare, NEWNS_NEWIPC_NEWUTS)
      %w[/tmp /dev/shm].each { |place| mount("tmpfs", place, NOSUID_NODEV, "size=#{tmp_bytes},mode=1777") }
      mount("proc", "/proc", NOSUID_NODEV | NOEXEC, 0)
      call(:prctl, 47, 4, 0, 0, 0) # PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL
      call(:capset, address([0x20080522, 0].pack("L2")), address([0, 0, 0, 0, 0, 0].pack("L6")))
      install(filter.unpack1("m")) if filter
    end

    def self.mount(type, place, flags, options) = call(:mount, +type, +place, +type, flags, options)

    # The struct stays in a local until the call is over: only its address travels, which keeps nothing alive.
    def self.install(program)
      filter = [program.bytesize / 8, program].pack("Sx6P")
      call(:seccomp, 1, 0, address(filter))
    end

    def self.address(bytes) = [bytes].pack("P").unpack1("J")
  end
end
