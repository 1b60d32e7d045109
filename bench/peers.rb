# The peers' ways of running a handler, each over its standard input and output, one JSON line per request.
#   once    one process per run          fork    a warm process that forks per run      shared    one process for all
require "json"
load File.join(__dir__, "handler.rb")

def answer(line) = JSON.generate(handler(JSON.parse(line)))

def forked(line)
  reader, writer = IO.pipe
  child = fork do
    reader.close
    writer.write(answer(line))
    writer.close
    exit!(0)
  end
  writer.close
  result = reader.read
  reader.close
  Process.wait(child)
  result
end

$stdout.sync = true
case ARGV.fetch(0)
when "once" then puts answer($stdin.gets)
when "fork"
  Process.warmup
  while (line = $stdin.gets) do puts forked(line) end
when "shared"
  while (line = $stdin.gets) do puts answer(line) end
end
