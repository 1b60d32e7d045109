# frozen_string_literal: true

SEEN = {
  environment: ENV.to_h,
  unshare_user: (Kernel.syscall(272, 0x10000000) rescue $!.class.name),
  bind: (Kernel.syscall(165, +"/app", +"/tmp", +"", 4096, 0) rescue $!.class.name),
  remount: (Kernel.syscall(165, +"none", +"/", +"", 32 | 4096, 0) rescue $!.class.name),
  umount: (Kernel.syscall(166, +"/tmp", 2) rescue $!.class.name),
  socket: (Kernel.syscall(41, 2, 1, 0) rescue $!.class.name),
  uid: Process.uid
}.freeze

def handler(_input) = SEEN
