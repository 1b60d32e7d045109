
# The host's line: the control socket while the code loads, the run's own channel in a run.
def line = Dir.children("/proc/self/fd").map(&:to_i).find { |fd| fd > 2 && attempt { File.readlink("/proc/self/fd/#{fd}") }.to_s.start_with?("socket:") }
def raw(bytes) = IO.for_fd(line, "wb", autoclose: false).syswrite(bytes)
def frame(payload, kind = "J", size = payload.bytesize) = [size, kind.ord, 0].pack("NCn") + payload
def say(kind, **members) = raw(frame(JSON.generate({ type: kind, **members })))

LOADED = %({"type":"loaded","ms":0,"warnings":[]})

ESCAPES = {
  "no JSON" => ->(_) { raw(frame("nonsense")) },
  "not an object" => ->(_) { raw(frame("[1]")) },
  "no type" => ->(_) { raw(frame("{}")) },
  "an unknown type" => ->(_) { say("nonsense") },
  "an unknown kind" => ->(_) { raw(frame("{}", "?")); sleep },
  "too deep" => ->(_) { raw(frame(%({"type":"log","level":"x","message":"y","fields":#{"[" * 100}#{"]" * 100}}))) },
  "too large a frame" => ->(_) { raw(frame("", "J", 1 << 30)); sleep },
  "members of other types" => ->(_) { say("result", run: ["r"], bytes: "many") && say("loaded", ms: {}, warnings: 3) },
  "no text" => ->(_) { raw(frame("{\"type\":\"\xff\xfe\"}".b)) },
  "an endless frame" => ->(_) { raw([1 << 20, 74, 0].pack("NCn")); loop { raw(" "); sleep 0.005 } },
  "half a frame" => ->(_) { raw([100, 74, 0].pack("NCn")[0, 4]); exit!(3) },
  "twice" => ->(_) { 2.times { raw(frame("1", "D")); say("result", run: "r", bytes: 1) } },
  "another run's result" => ->(_) { raw(frame("1", "D")); say("result", run: "another", bytes: 1) },
  "more than was sent" => ->(_) { raw(frame("1", "D")); say("result", run: "r", bytes: 2) },
  "a result that is no JSON" => ->(_) { raw(frame("]", "D")); say("result", run: "r", bytes: 1) },
  "data without end" => ->(_) { piece = frame("x" * (1 << 20), "D"); loop { raw(piece) } },
  "progress without end" => ->(_) { loop { say("progress", percent: 1e308, message: "x" * 1000, data: nil) } },
  "questions without end" => ->(_) { loop { say("call", id: 1, method: "x", params: {}) } },
  "log lines without end" => ->(_) { loop { say("log", level: "x" * 1000, message: "y" * 60_000, fields: {}) } },
  "its own end" => ->(_) { say("exited", code: 0, signal: nil); sleep },
  "ready again" => ->(_) { 3.times { say("ready") }; sleep },
  "born again" => ->(_) { say("born"); sleep },
  "hanging up" => ->(_) { IO.for_fd(line).close; sleep },
  "hanging up everything" => ->(_) { (0..255).each { |fd| attempt { IO.for_fd(fd, autoclose: false).close } rescue nil }; loop { sleep } },
  "leaving the line to a child" => ->(_) { fork { Process.setsid; trap("TERM", "IGNORE"); sleep }; exit!(3) },
  "descriptors" => lambda { |_|
    socket = UNIXSocket.for_fd(line)
    socket.autoclose = false
    frame(%({"type":"log","level":"x","message":"y","fields":{}})).each_char do |byte|
      attempt { socket.sendmsg(byte, 0, nil, Socket::AncillaryData.unix_rights($stdin, $stdout, $stderr)) }
    end
  },
  "loaded and something else" => ->(_) { raw(frame(LOADED) * 2); sleep },
  "loaded, then something else" => ->(_) { 2.times { raw(frame(LOADED)) }; sleep },
  "loaded, then something else when asked" => ->(_) { raw(frame(LOADED)); IO.for_fd(line, autoclose: false).readpartial(1 << 16); raw(frame(LOADED)); sleep },
  "failing in an unknown way" => ->(_) { say("load_failed", cause: "infra", error: {}); sleep },
  "failing without an error" => ->(_) { say("load_failed", cause: "load_error", error: 7); sleep },
  "ends of others" => ->(_) { (1..500).each { |clone| say("exited", clone:, code: 0, signal: nil) }; sleep }
}.freeze
