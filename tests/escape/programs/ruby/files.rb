
def look(path) = attempt { File.directory?(path) ? "folder of #{Dir.children(path).size}" : File.read(path, 100).to_s }

# Wherever text may be read, those files that have the mark in it.
def marked(mark)
  found = Dir.glob(%w[/proc/*/environ /proc/*/cmdline /proc/*/task/*/environ /tmp/* /dev/shm/* /run/** /app/** /bundle/**])
  found.select { |path| attempt { File.binread(path, 1 << 20) }.to_s.include?(mark) } + ENV.select { |_, value| value.include?(mark) }.keys
end

ESCAPES = {
  "paths" => ->(given) { given["paths"].to_h { |path| [path, look(path)] } },
  "ways" => lambda { |given|
    path = given["paths"].first
    attempt { File.symlink(path, "/tmp/link") }
    ways = ["/proc/1/root#{path}", "/proc/self/root#{path}", "/proc/1/cwd/../..#{path}", "/app#{"/.." * 20}#{path}", "/tmp/link", "/proc/self/cwd/..#{path}",
            "/dev/fd/../../../../..#{path}"]
    ways.to_h { |way| [way.sub(path, ":"), look(way)] }
  },
  "mark" => ->(given) { marked(given["mark"].reverse) },
  "environment" => ->(_) { ENV.to_h.except("ESCAPE", "GIVEN") },
  "descriptors" => lambda { |_|
    Dir.children("/proc/self/fd").filter_map { |fd| attempt { File.readlink("/proc/self/fd/#{fd}") } }.reject { |target| target.start_with?("/proc/", "ENOENT") }
  }
}.freeze
