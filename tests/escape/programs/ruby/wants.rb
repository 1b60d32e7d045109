
ESCAPES = {
  "watchers" => ->(_) { sys(253) },
  "timers" => ->(_) { sys(222, 1, 0, address("\0" * 8)) },
  "descriptors on their way" => ->(_) { attempt { UNIXSocket.pair[0].sendmsg("x", 0, nil, Socket::AncillaryData.unix_rights($stdin)) } },
  "locks" => ->(_) { %w[/usr/bin/env /etc/passwd /harness/harness.rb].map { |path| File.open(path).flock(File::LOCK_EX | File::LOCK_NB) ? "free" : "taken" } },
  "watching" => ->(_) { File.read("/etc/passwd").size }
}.freeze
